import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './command'
import type { Attempt, Client } from './contract'

/** Makes a token for an attempt. */
export type TokenMaker = (attempt: Attempt) => Promise<string>

/** psql with the token in its environment. */
export function psqlClient(token: TokenMaker): Client {
  return (attempt) =>
    withDirectory(async (directory) => {
      const { rds, tls } = attempt
      const target = `host=localhost port=${rds.port} user=${rds.user} dbname=${rds.database}`
      const security = tls
        ? `sslmode=verify-full sslrootcert=${caFile(directory, attempt)}`
        : 'sslmode=disable'
      return run('psql', ['-X', '-A', '-t', '-q', '-d', `${target} ${security}`, '-c', 'select 40 + 2'], {
        PGPASSWORD: await token(attempt),
      })
    })
}

/** MariaDB's command-line client with the token in a file, as neither ps nor the shell's history shows that. */
export function mariadbClient(token: TokenMaker): Client {
  return (attempt) =>
    withDirectory(async (directory) => {
      const { rds, tls } = attempt
      const defaults = join(directory, 'client.cnf')
      writeFileSync(defaults, `[client]\npassword="${await token(attempt)}"\n`, { mode: 0o600 })
      const target = ['--protocol=tcp', '--host=localhost', `--port=${rds.port}`, `--user=${rds.user}`]
      const security = tls
        ? [`--ssl-ca=${caFile(directory, attempt)}`, '--ssl-verify-server-cert']
        : ['--skip-ssl']
      const output = ['--batch', '--skip-column-names', '--execute=select 40 + 2']
      return run('mariadb', [`--defaults-file=${defaults}`, ...target, ...security, ...output, rds.database])
    })
}

function caFile(directory: string, { ca }: Attempt): string {
  const file = join(directory, 'ca.pem')
  writeFileSync(file, ca)
  return file
}

async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'client-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
