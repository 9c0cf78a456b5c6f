// Bundles the signing code of AWS's signers into one file of core, because loading their packages costs 30 ms of CPU.
// The bundle leaves out what core does not need: the default credentials and region, because core always passes both,
// and SHA-256 in JavaScript, which the SDK uses only where Node has no crypto.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { readJson } from './packages.mjs'

const core = fileURLToPath(new URL('../packages/core/', import.meta.url))

/** The packages that core requires to sign a token. */
export const signers = ['@aws-sdk/rds-signer', '@aws-sdk/dsql-signer']

const ENTRY = '\0aws-signers'
const replacements = [
  { from: './runtimeConfig', by: 'export const getRuntimeConfig = (config) => config' },
  { from: './Sha256Js', by: 'export const Sha256Js = undefined' },
]

/**
 * The bundle in a format of rolldown, the packages whose code it contains, and their licence.
 *
 * @throws {Error} when AWS's packages no longer have a module that is replaced
 */
export async function bundleAwsSigners(format = 'cjs', plugins = []) {
  const replaced = new Set()
  const { output } = await build({
    cwd: core,
    platform: 'node',
    input: ENTRY,
    external: /^node:/,
    resolve: { mainFields: ['module', 'main'] },
    treeshake: { moduleSideEffects: false },
    plugins: [
      ...plugins,
      {
        name: 'aws-signers',
        resolveId(id, importer) {
          if (id === ENTRY) return id
          if (importer === ENTRY) return this.resolve(id, join(core, 'package.json'))
          const index = replacements.findIndex(({ from }) => from === id)
          if (index < 0) return undefined
          replaced.add(id)
          return `\0replacement-${index}`
        },
        load(id) {
          if (id === ENTRY) return signers.map((name) => `export * from '${name}'`).join('\n')
          return replacements[id.split('\0replacement-')[1]]?.by
        },
      },
    ],
    output: { format, strict: true, esModule: true },
    write: false,
    logLevel: 'warn',
  })
  const missing = replacements.find(({ from }) => !replaced.has(from))
  if (missing) throw new Error(`AWS's signers have no module ${missing.from}: see scripts/aws-signers.mjs`)
  const [{ code, modules }] = output
  const packages = packagesOf(Object.keys(modules).filter((id) => !id.startsWith('\0')))
  const licenseFile = join(
    dirname(createRequire(`${core}package.json`).resolve(`${signers[0]}/package.json`)),
    'LICENSE',
  )
  return { code: `${banner(packages)}${code}`, packages, license: readFileSync(licenseFile, 'utf8') }
}

function packagesOf(files) {
  const folders = new Set(files.map((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? ''))
  return [...folders]
    .map((folder) => readJson(join(folder, 'package.json')))
    .map(({ name, version, license, engines }) => ({ name, version, license, engines }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function banner(packages) {
  const list = packages.map(({ name, version, license }) => ` * ${name} ${version} (${license})`).join('\n')
  return `/*!\n * Part of these packages of Amazon.com, Inc. or its affiliates, bundled without changes to what signs:\n${list}\n * The licence is in aws-signers.LICENSE.txt.\n */\n`
}
