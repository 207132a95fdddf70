// Verifies a receipt with npm's @sd-jwt/core: reads {receipt, jwks}, prints {header, payload} with what is disclosed.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SDJwtInstance } from '@sd-jwt/core'
import { importJWK } from 'jose'

const { receipt, jwks } = JSON.parse(readFileSync(0, 'utf8'))
const [header] = receipt.split('.')
const { kid } = JSON.parse(Buffer.from(header, 'base64url'))
const key = await importJWK(jwks.keys.find((one) => one.kid === kid), 'ES256')

const hasher = (data, algorithm) =>
  new Uint8Array(createHash(algorithm.replace('-', '')).update(typeof data === 'string' ? data : Buffer.from(data)).digest())
const verifier = (data, signature) =>
  crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, Buffer.from(signature, 'base64url'), Buffer.from(data))

const verified = await new SDJwtInstance({ hasher, hashAlg: 'sha-256', verifier }).verify(receipt)
console.log(JSON.stringify({ header: verified.header, payload: verified.payload }))
