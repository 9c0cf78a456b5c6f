import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { bundleProgram } from '../support/bundle-program'

type Engine = 'postgres' | 'mysql'

/** The result of an example: its output, and the logins at the endpoint of each engine. */
interface Run {
  output: string
  logins: Record<Engine, TestEndpoint['logins']>
}

/**
 * Tests that an example of this folder runs unchanged as a program, and that it logs in to a server of each engine that
 * it uses. Its replica is the same server under another name, 127.0.0.1.
 */
export function testExample(
  name: string,
  engines: Engine[],
  check: (run: Run) => void = () => {},
  program?: readonly string[],
): void {
  const folder = mkdtempSync(join(tmpdir(), 'rds-iam-example-'))
  const endpoints = new Map<Engine, TestEndpoint>()

  beforeAll(async () => {
    for (const engine of engines) endpoints.set(engine, await startEndpoint({ engine, users }))
    writeFileSync(join(folder, 'ca.pem'), [...endpoints.values()].map(({ ca }) => ca).join('\n'))
  })
  afterAll(async () => {
    for (const endpoint of endpoints.values()) await endpoint.close()
    rmSync(folder, { recursive: true })
  })

  it(`runs: test/examples/${name.includes('.') ? name : `${name}.ts`}`, async () => {
    const identities = [...endpoints.values()].map(({ identity }) => identity)
    for (const endpoint of endpoints.values()) endpoint.setIdentities(identities)
    const output = await runProgram(program ?? [await bundleExample(name)], {
      ...[...endpoints.values()][0]?.env,
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      DB_HOST: 'localhost',
      DB_REPLICA_HOST: '127.0.0.1',
      DB_PORT: `${endpoints.get('mysql')?.port ?? 3306}`,
      PGPORT: `${endpoints.get('postgres')?.port ?? 5432}`,
    })

    const logins = {
      postgres: endpoints.get('postgres')?.logins ?? [],
      mysql: endpoints.get('mysql')?.logins ?? [],
    }
    for (const engine of engines) {
      expect(new Set(logins[engine].map(({ verdict }) => verdict)), output).toEqual(new Set(['accepted']))
    }
    check({ output, logins })
  })
}

/** Runs node in the folder `test`. Returns the output, which must not contain a token. */
export async function runProgram(args: readonly string[], env: Record<string, string>): Promise<string> {
  const own = Object.entries(process.env).filter(([key]) => !/^(AWS|PG|NODE)_?/.test(key))
  const child = spawn(process.execPath, args, {
    cwd: new URL('../', import.meta.url),
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  const [code] = (await once(child, 'close')) as [number]
  expect(output, output).not.toContain('X-Amz')
  expect(code, output).toBe(0)
  return output
}

/** Bundles an example of this folder. Returns the path of the bundle. */
export function bundleExample(name: string): Promise<string> {
  return bundleProgram(new URL(`${name}.ts`, import.meta.url))
}

/** The database users that the examples log in as. */
const users = ['jane_doe', 'tenant_a', 'tenant_b', 'tenant_c']
