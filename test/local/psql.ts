import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalRds } from '@rds-iam/local'
import { requirePrograms } from './clients/programs'

/** What a command printed, and how it ended. */
export interface Outcome {
  status: number
  stdout: string
  stderr: string
}

/** Makes sure that there is a psql: the machine's, or Debian's. */
export function requirePsql(): Promise<void> {
  return requirePrograms({ psql: 'postgresql-client' })
}

/** Runs a command in psql, with the token as the password and some text for COPY FROM STDIN. */
export async function psql(
  rds: LocalRds,
  token: string,
  command: string,
  options = '',
  input = '',
): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'psql-'))
  const caFile = join(directory, 'ca.pem')
  writeFileSync(caFile, rds.ca)
  const target =
    `host=localhost port=${rds.port} user=${rds.user} dbname=${rds.database} ` +
    `sslmode=verify-full sslrootcert=${caFile} ${options}`
  try {
    return await new Promise((resolve) => {
      const settings = { env: { ...process.env, PGPASSWORD: token }, maxBuffer: 100_000_000 }
      const child = execFile(
        'psql',
        ['-X', '-A', '-t', '-q', '-d', target, '-c', command],
        settings,
        (error, stdout, stderr) => {
          resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr })
        },
      )
      child.stdin?.end(input)
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
}
