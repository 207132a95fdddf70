// Reads a receipt's status with npm's @sd-jwt/jwt-status-list and jose: reads {receipt, token, jwks}, prints {uri, value, claims}.
import { readFileSync } from 'node:fs'
import { getListFromStatusListJWT, getStatusListFromJWT } from '@sd-jwt/jwt-status-list'
import { createLocalJWKSet, jwtVerify } from 'jose'

const { receipt, token, jwks } = JSON.parse(readFileSync(0, 'utf8'))
const { uri, idx } = getStatusListFromJWT(receipt.split('~')[0])
const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
  algorithms: ['ES256'],
  typ: 'statuslist+jwt',
  subject: uri,
})
const { status_list, ...claims } = payload
console.log(JSON.stringify({ uri, value: getListFromStatusListJWT(token).getStatus(idx), claims }))
