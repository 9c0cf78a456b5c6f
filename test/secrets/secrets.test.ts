import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { generate } from 'selfsigned'
import { expect, it } from 'vitest'
import { startEndpoint } from '../contract/endpoint'
import { bundleProgram } from '../support/bundle-program'

it('prints no token, secret key, session token or private key of a client certificate', async () => {
  const identity = {
    accessKeyId: 'ASIATESTTESTTEST',
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(90).toString('base64'),
  }
  const [postgres, mysql] = await Promise.all([
    startEndpoint({ engine: 'postgres', identities: [identity] }),
    startEndpoint({ engine: 'mysql', identities: [identity] }),
  ])
  try {
    const clientCertificate = await createClientCertificate()
    const scene = { postgres: postgres.options, mysql: mysql.options, clientCertificate, ...identity }
    const printed = await runEverything(JSON.stringify(scene))
    expect(printed.length).toBeGreaterThan(100_000)
    for (const rds of [postgres, mysql]) {
      expect(new Set(rds.logins.map(({ verdict }) => verdict))).toEqual(new Set(['accepted', 'refused']))
    }
    const secrets = [
      identity.secretAccessKey,
      identity.sessionToken,
      'X-Amz-Signature',
      'X-Amz-Credential',
      clientCertificate.passphrase,
      // Newlines are escaped in printed strings.
      clientCertificate.key.split('\n')[1] ?? '',
    ]
    const hidden = secrets.flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('hex'),
      // The form in which inspect prints a Buffer.
      (Buffer.from(secret).toString('hex').match(/../g) ?? []).join(' '),
      Buffer.from(secret).toString('base64'),
    ])
    for (const secret of hidden) expect(printed.includes(secret), secret.slice(0, 16)).toBe(false)
  } finally {
    await postgres.close()
    await mysql.close()
  }
})

async function createClientCertificate() {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'application' }])
  const passphrase = randomBytes(20).toString('base64')
  const encryption = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return { cert, key: createPrivateKey(key).export(encryption) as string, passphrase }
}

/** Runs the program with all debug logs of all libraries on. Returns its output. */
async function runEverything(scene: string): Promise<string> {
  const file = await bundleProgram(new URL('print-everything.ts', import.meta.url))
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, DEBUG: '*', SCENE: scene },
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data))
  const [code] = (await once(child, 'close')) as [number]
  expect(code, printed.slice(-2_000)).toBe(0)
  return printed
}
