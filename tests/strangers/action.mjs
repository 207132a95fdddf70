// Signs a statement with npm's jose: reads {key, kid, payload}, prints the compact JWS.
import { readFileSync } from 'node:fs'
import { CompactSign, importJWK } from 'jose'

const { key, kid, payload } = JSON.parse(readFileSync(0, 'utf8'))
const statement = new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
statement.setProtectedHeader({ alg: 'ES256', typ: 'consent-action+jwt', kid })
console.log(JSON.stringify({ statement: await statement.sign(await importJWK(key, 'ES256')) }))
