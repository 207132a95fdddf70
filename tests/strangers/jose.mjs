// Verifies a JWT with npm's jose: reads {token, jwks, typ, issuer}, prints {header, payload}.
import { readFileSync } from 'node:fs'
import { createLocalJWKSet, jwtVerify } from 'jose'

const { token, jwks, typ, issuer } = JSON.parse(readFileSync(0, 'utf8'))
const { protectedHeader, payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
  algorithms: ['ES256'],
  typ,
  issuer,
})
console.log(JSON.stringify({ header: protectedHeader, payload }))
