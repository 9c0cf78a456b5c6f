// Bundles core's JavaScript. The code that its entry points share becomes one file, because opening thirty files takes
// Node longer than running them. tsc writes the declarations.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { bundleAwsSigners, signers } from './aws-signers.mjs'
import { readCaCertificates } from './ca-certificates.mjs'

const core = fileURLToPath(new URL('../packages/core/', import.meta.url))
const { dependencies, exports } = JSON.parse(readFileSync(`${core}package.json`, 'utf8'))
const entries = Object.values(exports).filter(({ types, require }) => types ?? require)
const named = (files) => files.map((file) => basename(file).replace(/\.m?js$/, ''))

// In an ES module without a banner, esbuild turns a require() of Node's own modules into an error.
const builtinsWithoutRequire = {
  name: 'builtins-without-require',
  renderChunk: (code) => ({
    code: code.replaceAll(/\brequire\(("node:[\w/]+")\)/g, 'process.getBuiltinModule($1)'),
    map: null, // lines keep their numbers
  }),
}

mkdirSync(`${core}dist/tls`, { recursive: true })
writeFileSync(`${core}dist/tls/ca-certificates.json`, JSON.stringify(readCaCertificates()))
const { code, license } = await bundleAwsSigners([builtinsWithoutRequire])
writeFileSync(`${core}dist/aws-signers.js`, code)
writeFileSync(`${core}dist/aws-signers.LICENSE.txt`, license)
await bundle('ts', named(entries.map((entry) => (entry.require ?? entry).default)), {
  format: 'cjs',
  entryFileNames: '[name].js',
  chunkFileNames: 'shared.js',
  codeSplitting: { groups: [{ name: 'shared', test: /./, minShareCount: 2 }] },
})
await bundle('mts', named(entries.flatMap((entry) => entry.import?.default ?? [])), {
  format: 'esm',
  entryFileNames: '[name].mjs',
})

async function bundle(extension, names, output) {
  await build({
    cwd: core,
    platform: 'node',
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.${extension}`])),
    external: [
      /^node:/,
      ...Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`)),
      ...signers,
      /\.js(on)?$/,
    ],
    plugins: [builtinsWithoutRequire],
    output: {
      dir: 'dist',
      strict: true,
      esModule: true,
      sourcemap: true,
      externalLiveBindings: false,
      paths: Object.fromEntries(signers.map((name) => [name, './aws-signers.js'])),
      ...output,
    },
    logLevel: 'warn',
  })
}
