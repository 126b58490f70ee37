// A certified OpenID provider on a free port of 127.0.0.1. Its settings come as JSON in the first argument; what it
// says on its first line is its issuer. It ends when its standard input does.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const asked = JSON.parse(process.argv[2] ?? '{}');
const keys = (asked.keys ?? [{ kid: 'k1', alg: 'RS256' }]).map(({ pem, kid, alg }) => {
  const kind = alg.startsWith('ES') ? ['ec', { namedCurve: 'P-256' }] : ['rsa', { modulusLength: 2048 }];
  const key = pem ? createPrivateKey(pem) : generateKeyPairSync(...kind).privateKey;
  return { ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' };
});
const audience = asked.audience ?? 'plan';
const lifetime = asked.lifetime ?? 600;
const signed = { audience, accessTokenFormat: 'jwt', accessTokenTTL: lifetime, scope: 'read',
  jwt: { sign: { alg: asked.alg ?? 'RS256' } } };

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: asked.clients,
    jwks: { keys },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'ES256', 'EdDSA', 'Ed25519'] },
    extraTokenClaims: () => asked.claims,
    ttl: { ClientCredentials: lifetime },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      resourceIndicators: { enabled: true, defaultResource: () => `urn:${audience}`, getResourceServerInfo: () => signed },
      revocation: { enabled: true },
    },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
process.stdin.on('end', () => process.exit(0)).resume();
