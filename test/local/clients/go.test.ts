import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Engine } from '@rds-iam/local'
import { afterAll, beforeAll } from 'vitest'
import { run } from './command'
import { testClient, type Client } from './contract'
import { requirePrograms } from './programs'

const SOURCES = '/usr/share/gocode/src/github.com'
const PROGRAMS = {
  go: 'golang-go',
  [`${SOURCES}/aws/aws-sdk-go/service/rds/rdsutils`]: 'golang-github-aws-aws-sdk-go-dev',
  [`${SOURCES}/lib/pq`]: 'golang-github-lib-pq-dev',
  [`${SOURCES}/go-sql-driver/mysql`]: 'golang-github-go-sql-driver-mysql-dev',
}

let directory: string

beforeAll(async () => {
  await requirePrograms(PROGRAMS)
  directory = mkdtempSync(join(tmpdir(), 'go-'))
  const source = join(dirname(fileURLToPath(import.meta.url)), 'login.go')
  // Debian's sources alone: nothing is fetched.
  await run('go', ['build', '-o', join(directory, 'login'), source], {
    GO111MODULE: 'off',
    GOPATH: '/usr/share/gocode',
    GOFLAGS: '',
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
  })
}, 600_000)

afterAll(() => rmSync(directory, { recursive: true }))

/** The Go program, which signs by itself. */
function goClient(engine: Engine): Client {
  return ({ rds, region, signedFor, tampered, tls, ca }) => {
    const caFile = join(directory, 'ca.pem')
    writeFileSync(caFile, ca)
    const target = [`-port=${rds.port}`, `-user=${rds.user}`, `-database=${rds.database}`]
    const token = [`-region=${region}`, `-signed-for=${signedFor}`, `-tampered=${tampered}`]
    const security = [`-tls=${tls}`, `-ca=${caFile}`]
    return run(join(directory, 'login'), [`-engine=${engine}`, ...target, ...token, ...security], rds.env)
  }
}

testClient('lib/pq with a token of rdsutils', 'postgres', goClient('postgres'))
testClient('go-sql-driver/mysql with a token of rdsutils', 'mysql', goClient('mysql'))
