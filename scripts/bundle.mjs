// Makes core's JavaScript: what its entry points share becomes one file, as Node takes longer to find and open
// thirty files than to run them. tsc has made the declarations.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { readAuthorities } from './authorities.mjs'

const core = fileURLToPath(new URL('../packages/core/', import.meta.url))
const { dependencies, exports } = JSON.parse(readFileSync(`${core}package.json`, 'utf8'))
const entries = Object.values(exports).filter(({ types, require }) => types ?? require)
const named = (files) => files.map((file) => basename(file).replace(/\.m?js$/, ''))

mkdirSync(`${core}dist/tls`, { recursive: true })
writeFileSync(`${core}dist/tls/authorities.json`, JSON.stringify(readAuthorities()))
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
      /\.js(on)?$/,
    ],
    output: {
      dir: 'dist',
      strict: true,
      esModule: true,
      sourcemap: true,
      externalLiveBindings: false,
      ...output,
    },
    logLevel: 'warn',
  })
}
