// A real OpenID provider for the tests: oidc-provider, with faults on demand.
//
// usage: node provider.mjs '{"users": [{"id", "password", "name", "email", "email_verified", ...}],
//                            "clients": [{"client_id", "client_secret", "redirect_uris", ...}]}'
// Prints one line of JSON, {"issuer", "control"}, and lives until its standard input ends.
//
// The control port takes JSON, answers JSON, and refuses what it does not know (400):
//   POST /fault   {"name": one of FAULTS or null}  stays until it is replaced
//   POST /rotate  {"keep": bool}                   a new signing key; the old one stays published, or goes
//   POST /client  {"client_id", ...}               changes a client, its redirect_uris for one
//   POST /user    {"id", ...}                      adds or changes a person; {"id", "gone": true} removes
//   POST /listen  {"on": bool}                     closes the provider's port, or opens the same one again
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import * as jose from 'jose';

console.warn = console.info = () => {}; // its advice for production is not for here
const { default: Provider } = await import('oidc-provider');

const DISCOVERY = '/.well-known/openid-configuration';
const FAULTS = [
  'expired', 'wrong_nonce', 'no_nonce', 'wrong_aud', 'wrong_iss', 'bad_sig', 'alg_none', 'other_sub', 'no_sub',
  'no_id_token', 'garbage', 'http500', // these twelve in the answer of the token endpoint
  'jwks_http500', 'jwks_empty', 'jwks_garbage',
  'discovery_http500', 'discovery_garbage', 'discovery_wrong_issuer',
];

const config = JSON.parse(process.argv[2]);
const users = new Map(config.users.map((user) => [user.id, user]));
const clients = new Map(config.clients.map((client) => [client.client_id, client]));
const records = new Map(); // what every Provider object shares, so that a rotation ends no session
let keys = [await newKey()];
let fault = null;
let issuer, provider, answer;

class Memory {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) { records.set(this.key(id), payload); }
  async find(id) { return records.get(this.key(id)); }
  async findByUid(uid) {
    for (const [key, payload] of records) if (key.startsWith(`${this.model}:`) && payload.uid === uid) return payload;
  }
  async consume(id) { records.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { records.delete(this.key(id)); }
  async revokeByGrantId(grant) {
    for (const [key, payload] of records) if (payload.grantId === grant) records.delete(key);
  }
}

async function newKey() {
  const { privateKey } = await jose.generateKeyPair('RS256', { extractable: true });
  return { ...(await jose.exportJWK(privateKey)), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

/** oidc-provider takes keys and clients only when it is made, so a change makes a new one. */
function build() {
  provider = new Provider(issuer, {
    adapter: Memory,
    clients: [...clients.values()],
    jwks: { keys },
    cookies: { keys: ['only for tests'] },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false, // claims also in the ID token, as most providers do it
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 300, Interaction: 600, Session: 3600 },
    async findAccount(_, id) {
      const { password, ...claims } = users.get(id) ?? {};
      return claims.id && { accountId: id, claims: async () => ({ ...claims, sub: id }) };
    },
    async renderError(ctx, error) { ctx.type = 'json'; ctx.body = error; },
  });
  provider.use(signOutAtOnce);
  provider.on('server_error', (_, error) => console.error(error));
  answer = provider.callback();
}

/** Who comes to sign out with an ID token is not asked again: says yes for them, as Keycloak does. */
async function signOutAtOnce(ctx, next) {
  await next();
  const secret = /name="xsrf" value="([^"]+)"/.exec(ctx.body)?.[1];
  if (ctx.path !== '/session/end' || !ctx.query.id_token_hint || !secret) return;
  const fresh = [ctx.response.get('set-cookie')].flat().map((line) => String(line).split(';')[0]);
  const said = await fetch(`${issuer}/session/end/confirm`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: [ctx.get('cookie'), ...fresh].filter(Boolean).join('; ') },
    body: new URLSearchParams({ xsrf: secret, logout: 'yes' }),
  });
  ctx.set('set-cookie', said.headers.getSetCookie());
  ctx.redirect(said.headers.get('location'));
}

async function read(request) {
  let text = '';
  for await (const part of request) text += part;
  return text;
}

async function interaction(request, response) {
  const asked = await provider.interactionDetails(request, response);
  const finish = async (accountId, rest) => {
    const grant = new provider.Grant({ accountId, clientId: asked.params.client_id });
    grant.addOIDCScope(asked.params.scope);
    const result = { ...rest, consent: { grantId: await grant.save() } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  };
  if (asked.prompt.name === 'consent') return finish(asked.session.accountId, {});
  if (request.method !== 'POST') return signInPage(response, '');
  const form = new URLSearchParams(await read(request));
  if (form.has('refuse')) return provider.interactionFinished(request, response, { error: 'access_denied' });
  const user = users.get(form.get('user'));
  if (!user || user.password !== form.get('password')) return signInPage(response, 'Wrong user or password.');
  return finish(user.id, { login: { accountId: user.id } });
}

function signInPage(response, problem) {
  response.writeHead(problem ? 401 : 200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>Sign in - test provider</title><main><h1>Test provider</h1>${problem && `<p role="alert">${problem}</p>`}
<form method="post"><p><label>User <input name="user" autofocus></label>
<p><label>Password <input name="password" type="password"></label>
<p><button>Sign in</button> <button name="refuse">Refuse</button></form></main></html>`);
}

/** The token that a broken or hostile provider would have sent; null when it sends none. */
async function spoil(token) {
  if (fault === 'no_id_token') return undefined;
  const now = Math.floor(Date.now() / 1000);
  const claims = jose.decodeJwt(token);
  const changes = {
    expired: { iat: now - 7200, exp: now - 3600 },
    wrong_nonce: { nonce: 'another' },
    no_nonce: { nonce: undefined },
    wrong_aud: { aud: 'another-client' },
    wrong_iss: { iss: 'https://issuer.example' },
    other_sub: { sub: 'somebody-else' },
    no_sub: { sub: undefined },
  }[fault];
  const said = { ...claims, ...changes };
  if (fault === 'alg_none') return new jose.UnsecuredJWT(said).encode();
  const key = fault === 'bad_sig' ? await newKey() : keys[0]; // under the right key's name
  return new jose.SignJWT(said).setProtectedHeader({ alg: 'RS256', kid: keys[0].kid }).sign(await jose.importJWK(key));
}

/** Lets the provider answer, and sends `change(text)` in place of what it said. */
function instead(request, response, change) {
  const parts = [];
  const end = response.end.bind(response);
  response.write = (part) => Boolean(parts.push(Buffer.from(part)));
  response.end = (part) => {
    if (part) parts.push(Buffer.from(part));
    response.removeHeader('content-length');
    Promise.resolve(Buffer.concat(parts).toString()).then(change).then(end, (error) => { console.error(error); end(); });
  };
  return answer(request, response);
}

function faulty(request, response, path) {
  const json = (status, text) => { response.writeHead(status, { 'content-type': 'application/json' }).end(text); };
  const kind = { '/token': '', '/jwks': 'jwks_', [DISCOVERY]: 'discovery_' }[path];
  if (fault === `${kind}http500`) return json(500, '{"error":"server_error"}');
  if (fault === `${kind}garbage`) return json(200, '<html>not JSON</html>');
  if (fault === `${kind}empty`) return json(200, '{"keys":[]}');
  if (path === DISCOVERY && fault === 'discovery_wrong_issuer') {
    return instead(request, response, (text) => JSON.stringify({ ...JSON.parse(text), issuer: 'https://issuer.example' }));
  }
  if (path === '/token' && fault && !fault.includes('jwks') && !fault.includes('discovery')) {
    return instead(request, response, async (text) => {
      const said = JSON.parse(text);
      return JSON.stringify(said.id_token ? { ...said, id_token: await spoil(said.id_token) } : said);
    });
  }
  return answer(request, response);
}

const server = createServer(async (request, response) => {
  try {
    const { pathname } = new URL(request.url, issuer);
    await (pathname.startsWith('/interaction/') ? interaction(request, response) : faulty(request, response, pathname));
  } catch (error) {
    if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
    response.end(error.message); // an interaction that is over, or a cookie that is missing
  }
});

const listen = (port) => new Promise((done) => server.listen(port, '127.0.0.1', done));

const controls = {
  '/fault': ({ name }) => {
    if (name !== null && !FAULTS.includes(name)) throw new Error(`no such fault: ${name}`);
    fault = name;
  },
  '/rotate': async ({ keep }) => { keys = [await newKey(), ...(keep ? keys : [])]; build(); },
  '/client': (client) => { clients.set(client.client_id, { ...clients.get(client.client_id), ...client }); build(); },
  '/user': ({ gone, ...user }) => { gone ? users.delete(user.id) : users.set(user.id, { ...users.get(user.id), ...user }); },
  '/listen': async ({ on }) => {
    if (on) return listen(new URL(issuer).port);
    const closed = new Promise((done) => server.close(done));
    server.closeAllConnections();
    await closed;
  },
};
const control = createServer(async (request, response) => {
  const reply = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  try {
    await controls[request.url](JSON.parse(await read(request)));
    reply(200, {});
  } catch (error) {
    reply(400, { error: error.message });
  }
});

await listen(0);
issuer = `http://127.0.0.1:${server.address().port}`;
build();
await new Promise((done) => control.listen(0, '127.0.0.1', done));
console.log(JSON.stringify({ issuer, control: `http://127.0.0.1:${control.address().port}` }));
process.stdin.on('end', () => process.exit()).resume();
