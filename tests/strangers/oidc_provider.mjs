// An honest OpenID provider, npm's oidc-provider, standing in as a platform: PKCE required, iss sent.
// node oidc_provider.mjs PORT SETTINGS: client_id, client_secret, redirect_uri, and accounts (sub -> handle).
// Whoever POSTs /who?sub=... is signed in at the next visit; `nobody` turns the visit down.
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'

const [port, settings] = [Number(process.argv[2]), JSON.parse(process.argv[3])]
const issuer = `http://127.0.0.1:${port}`
let who = Object.keys(settings.accounts)[0]

const { privateKey } = await generateKeyPair('RS256', { extractable: true })
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: settings.client_id,
      client_secret: settings.client_secret,
      redirect_uris: [settings.redirect_uri],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'provider' }] },
  claims: { openid: ['sub'], profile: ['preferred_username'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['a key of the tests'] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, preferred_username: settings.accounts[sub] }),
  }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    })
    grant.addOIDCScope('openid profile')
    await grant.save()
    return grant
  },
  pkce: { required: () => true },
})

const answer = provider.callback()
createServer(async (request, response) => {
  const url = new URL(request.url, issuer)
  if (request.method === 'POST' && url.pathname === '/who') {
    who = url.searchParams.get('sub')
    response.writeHead(204).end()
  } else if (url.pathname.startsWith('/interaction/')) {
    const result = who === 'nobody' ? { error: 'access_denied' } : { login: { accountId: who } }
    await provider.interactionFinished(request, response, result)
  } else {
    answer(request, response)
  }
}).listen(port, '127.0.0.1')
