// Checks many pieces of evidence with npm's jose and @sd-jwt/core: reads questions, a JSON object a line,
// {"ask":["jose","sd"],"sdjwt","typ","jwks","now"}, and answers each with a line of {"jose","sd","why"}: true when it is
// accepted, false when it is not, absent when it was not asked. jwks is text: the same text is the same key set.
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { SDJwtInstance } from '@sd-jwt/core'
import { createLocalJWKSet, importJWK, jwtVerify } from 'jose'

const kept = new Map()
const keep = (name, make) => kept.get(name) ?? kept.set(name, make()).get(name)
const fromBase64url = (text) => Buffer.from(text, 'base64url')

const hasher = (data, algorithm) =>
  new Uint8Array(createHash(algorithm.replace('-', '')).update(typeof data === 'string' ? data : Buffer.from(data)).digest())

async function withJose({ sdjwt, typ, jwks, now }) {
  const keys = keep(jwks, () => createLocalJWKSet(JSON.parse(jwks)))
  await jwtVerify(sdjwt.split('~')[0], keys, { algorithms: ['ES256'], typ, currentDate: new Date(now * 1000) })
}

// The library finds no keys: the one that the header names is looked up here, as its documentation shows.
async function withSdJwt({ sdjwt, jwks, now }) {
  const { kid } = JSON.parse(fromBase64url(sdjwt.split('.')[0]))
  const key = await keep(`${kid} ${jwks}`, () => importJWK(JSON.parse(jwks).keys.find((one) => one.kid === kid), 'ES256'))
  const verifier = (data, signature) =>
    crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, fromBase64url(signature), Buffer.from(data))
  const { payload } = await new SDJwtInstance({ hasher, hashAlg: 'sha-256', verifier }).verify(sdjwt, { currentDate: now })
  for (const disclosure of sdjwt.split('~').slice(1, -1)) mustBelieve(payload, disclosure)
}

// A library may leave out a disclosure that nobody signed: then it has not believed what was shown.
function mustBelieve(payload, disclosure) {
  const [, name, value] = JSON.parse(fromBase64url(disclosure))
  if (!Object.hasOwn(payload, name) || JSON.stringify(payload[name]) !== JSON.stringify(value)) throw new Error(`no ${name}`)
}

const checks = { jose: withJose, sd: withSdJwt }
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line)
  const answer = { why: '' }
  for (const name of question.ask) {
    try {
      await checks[name](question)
      answer[name] = true
    } catch (error) {
      answer[name] = false
      answer.why += `${name}: ${error.message} `
    }
  }
  console.log(JSON.stringify(answer))
}
