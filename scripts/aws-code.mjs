// Bundles code of the AWS SDK into files of core, because loading its packages costs 30 to 100 ms of CPU.
// The signers' file leaves out what core does not need: the default credentials and region, because core always passes
// both. All leave out SHA-256 in JavaScript, which the SDK uses only where Node has no crypto.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { readJson } from './packages.mjs'

const core = fileURLToPath(new URL('../packages/core/', import.meta.url))

/** The packages that core loads to sign a token. */
export const signers = ['@aws-sdk/rds-signer', '@aws-sdk/dsql-signer']

/** The packages that core loads for one source of credentials. @aws-sdk/credential-providers exports the same functions. */
export const sources = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
]

/** The files, each with the packages that it replaces. */
export const awsFiles = {
  'aws-signers.js': signers,
  'aws-container.js': sources.slice(0, 1),
  'aws-web-identity.js': sources.slice(1, 2),
  'aws-instance.js': sources.slice(2),
}

const ENTRY = '\0aws'
// The only module that the SDK declares to have side effects: it adds functions for the endpoints of STS.
const WITH_SIDE_EFFECTS = /util-endpoints\/aws\.js$/
const replacements = [
  { from: './runtimeConfig', of: /-signer\//, by: 'export const getRuntimeConfig = (config) => config' },
  { from: './Sha256Js', of: /./, by: 'export const Sha256Js = undefined' },
]

/** All packages whose code is in the files. */
export async function bundledAwsPackages() {
  const files = await Promise.all(Object.values(awsFiles).map((names) => bundleAwsCode(names)))
  const byName = new Map(files.flatMap(({ packages }) => packages.map((one) => [one.name, one])))
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** The licence of all of them. */
export function awsLicense() {
  const manifest = createRequire(`${core}package.json`).resolve(`${signers[0]}/package.json`)
  return readFileSync(join(dirname(manifest), 'LICENSE'), 'utf8')
}

/**
 * Bundles packages into one file in a format of rolldown. Returns its code, and the packages whose code it contains.
 *
 * @throws {Error} when AWS's signers no longer have a module that is replaced
 */
export async function bundleAwsCode(names, format = 'cjs', plugins = []) {
  const replaced = new Set()
  const { output } = await build({
    cwd: core,
    platform: 'node',
    input: ENTRY,
    external: [/^node:/, '@aws-sdk/signature-v4-crt'],
    resolve: { mainFields: ['module', 'main'] },
    treeshake: { moduleSideEffects: (id) => WITH_SIDE_EFFECTS.test(id) },
    plugins: [
      ...plugins,
      {
        name: 'aws-code',
        resolveId(id, importer) {
          if (id === ENTRY) return id
          if (importer === ENTRY) return this.resolve(id, join(core, 'package.json'))
          const index = replacements.findIndex(({ from, of }) => from === id && of.test(importer))
          if (index < 0) return undefined
          replaced.add(id)
          return `\0replacement-${index}`
        },
        load(id) {
          if (id === ENTRY) return names.map((name) => `export * from '${name}'`).join('\n')
          return replacements[id.split('\0replacement-')[1]]?.by
        },
      },
    ],
    output: {
      format,
      strict: true,
      esModule: true,
      // Nothing that signs is imported late.
      ...(names === signers ? {} : { codeSplitting: false, dynamicImportInCjs: false }),
    },
    write: false,
    logLevel: 'warn',
  })
  const missing = replacements.find(({ from }) => names === signers && !replaced.has(from))
  if (missing) throw new Error(`AWS's signers have no module ${missing.from}: see scripts/aws-code.mjs`)
  const [{ code, modules }] = output
  const packages = packagesOf(Object.keys(modules).filter((id) => !id.startsWith('\0')))
  return { code: `${banner(packages)}${code}`, packages }
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
  return `/*!\n * Part of these packages of Amazon.com, Inc. or its affiliates, bundled without changes:\n${list}\n * The licence is in aws.LICENSE.txt.\n */\n`
}
