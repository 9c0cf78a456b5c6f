// Runs the contract and Lambda functions on all runtimes, and prints the results: npm run test:runtimes.
// --only NAME runs them on the runtimes whose name and version start with NAME; --write writes the results into
// docs/runtimes.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/packages.mjs'
import { startEndpointService } from '../../test/contract/endpoint-service'
import { startTestMysql } from '../../test/servers/mysql'
import { startTestPostgres } from '../../test/servers/postgres'
import { installApplication, installRuntime } from './installation'
import { knownFailures } from './known-failures'
import { playContract } from './play-contract'
import { playEvents } from './play-events'
import { bundleFunctions, playFunctions } from './play-functions'
import { findFaults, presentResults, type Result } from './results'
import { runtimes } from './versions'

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, write: { type: 'boolean', default: false } },
})
const chosen = runtimes.filter(({ name, version }) => `${name} ${version}`.startsWith(values.only))
const page = join(root, 'docs/runtimes.md')
const PLACE = /(?<=<!-- results of npm run test:runtimes -->\n).*(?=<!-- end of results -->)/s

const results = await play()
const faults = findFaults(results, knownFailures)
const table = presentResults(results, knownFailures)
console.log(`\n${faults.map((fault) => `✗ ${fault}\n\n`).join('')}${table}`)
if (chosen.length === runtimes.length) {
  const text = readFileSync(page, 'utf8')
  const updated = text.replace(PLACE, () => `\n${table}\n\n`)
  if (values.write) writeFileSync(page, updated)
  else if (updated !== text) {
    faults.push('docs/runtimes.md')
    console.log('\n✗ docs/runtimes.md has other results. To update it: npm run test:runtimes -- --write')
  }
}
process.exitCode = faults.length === 0 && chosen.length > 0 ? 0 : 1

async function play(): Promise<Result[]> {
  const programs = new Map<string, string>()
  for (const runtime of chosen) programs.set(runtime.version, await installRuntime(runtime))
  const application = await installApplication()
  const folder = mkdtempSync(join(tmpdir(), 'rds-iam-runtimes-'))
  const functions = await bundleFunctions(folder)
  const closing: (() => Promise<void>)[] = []
  try {
    const postgres = await startTestPostgres()
    closing.unshift(() => postgres.stop())
    const mysql = await startTestMysql()
    closing.unshift(() => mysql.stop())
    const backends = { postgres: postgres.url, mysql: mysql.url }
    const service = await startEndpointService(backends)
    closing.unshift(() => service.close())

    const results: Result[] = []
    for (const runtime of chosen) {
      const { name, version } = runtime
      console.error(`${name} ${version} …`)
      const command = [programs.get(version) ?? '', ...runtime.args]
      // Run the functions meanwhile: they mostly wait until their tokens expire.
      const waiting = playFunctions(command, functions, backends)
      const groups = [
        ...(await playContract([...command, application.playCases], service.url)),
        await playEvents([...command, application.earlySubscriber]),
        await waiting,
      ]
      for (const { group, outcomes } of groups) results.push({ runtime, group, outcomes })
    }
    return results
  } finally {
    for (const close of closing) await close()
    rmSync(folder, { recursive: true })
  }
}
