// A business built on npm's openid-client: discovery, pushed request, PKCE, private_key_jwt, code exchange.
// Reads one JSON line with its settings, prints the address for the browser, reads the address where the browser
// came back, prints the token answer.
import { createInterface } from 'node:readline'
import { importJWK } from 'jose'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const next = async () => (await lines.next()).value
const say = (what) => console.log(JSON.stringify(what))

const asked = JSON.parse(await next())
const key = await importJWK(asked.key, 'ES256')
const config = await client.discovery(
  new URL(asked.issuer),
  asked.client_id,
  { client_id: asked.client_id },
  client.PrivateKeyJwt({ key, kid: asked.key.kid }),
  { algorithm: 'oauth2', execute: [client.allowInsecureRequests] },
)

const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const url = await client.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: asked.redirect_uri,
  state,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  authorization_details: JSON.stringify([asked.details]),
})
say({ url: url.href })

try {
  const token = await client.authorizationCodeGrant(config, new URL(await next()), {
    pkceCodeVerifier: verifier,
    expectedState: state,
  })
  const own = await client.clientCredentialsGrant(config, { scope: 'match' })
  await client.tokenRevocation(config, token.access_token)
  say({ token, own })
} catch (error) {
  say({ error: error.error ?? error.code ?? error.name, cause: String(error.cause?.message ?? error.message) })
}
process.exit(0)
