import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { installApplication, runProgram } from './application'
import { interleave, ratios, spread } from './figures'
import { writeFirstRow } from './programs'
import { environment } from './scene'
import { startTestPostgres } from '../test/servers/postgres'
delete process.env['NODE_EXTRA_CA_CERTS']
await installApplication()
const postgres = await startTestPostgres()
const child = fork(fileURLToPath(new URL('credential-sources.ts', import.meta.url)), [postgres.url])
const [{ endpoint, env }] = (await once(child, 'message')) as any
const rounds = Number(process.argv[2] ?? 5)
const only = process.argv[3]
const files: any = Object.fromEntries((['static token', 'rds-iam', 'usual recipe'] as const).map((l) => [l, writeFirstRow('pg', l)]))
try {
  for (const [source, variables] of Object.entries({ environment: undefined, ...env } as any)) {
    if (only && !only.split(',').includes(source)) continue
    const all = await environment(endpoint)
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...others } = all as any
    const e = variables ? { ...others, ...(variables as any) } : all
    const r: any = await interleave(Object.fromEntries(Object.entries(files).map(([l, f]) => [l, () => runProgram<any>(f as string, e)])), rounds)
    const cpu = (l: string) => r[l].map((x: any) => x.cpu)
    const s = (x: any) => `${x.median.toFixed(2)} (${x.low.toFixed(2)}-${x.high.toFixed(2)})`
    console.log(source.padEnd(18), 'static', spread(cpu('static token')).median.toFixed(0), 'ours', spread(cpu('rds-iam')).median.toFixed(0), s(ratios(cpu('rds-iam'), cpu('static token'))), 'recipe', spread(cpu('usual recipe')).median.toFixed(0), s(ratios(cpu('usual recipe'), cpu('static token'))), 'ours/recipe', s(ratios(cpu('rds-iam'), cpu('usual recipe'))))
  }
} finally { child.kill(); await postgres.stop() }
