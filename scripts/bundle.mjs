// Bundles the JavaScript of core, and of the adapters for bundlers. tsc writes the declarations.
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { build } from 'rolldown'
import { awsFiles, awsLicense, bundleAwsCode, signers, sources } from './aws-code.mjs'
import { packCaCertificates, readCaCertificates } from './ca-certificates.mjs'
import { publishedPackages } from './packages.mjs'

const [core, ...adapters] = ['core', 'knex', 'kysely'].map((id) =>
  publishedPackages().find((one) => one.id === id),
)

// In an ES module without a banner, esbuild turns a require() of Node's own modules into an error.
const builtinsWithoutRequire = {
  name: 'builtins-without-require',
  renderChunk: (code) => ({
    code: code.replaceAll(/\brequire\(("node:[\w/]+")\)/g, 'process.getBuiltinModule($1)'),
    map: null, // lines keep their numbers
  }),
}

const caCertificates = JSON.stringify(packCaCertificates(readCaCertificates()))
mkdirSync(`${core.folder}/dist/tls`, { recursive: true })
writeFileSync(`${core.folder}/dist/tls/ca-certificates.json`, caCertificates)
writeFileSync(`${core.folder}/dist/aws.LICENSE.txt`, awsLicense())
for (const [file, names] of Object.entries(awsFiles)) {
  const { code } = await bundleAwsCode(names, 'cjs', [builtinsWithoutRequire])
  writeFileSync(`${core.folder}/dist/${file}`, code)
}

// The code that core's entry points share becomes one file: opening thirty files takes Node longer than running them.
await bundle(core, 'ts', (conditions) => (conditions.require ?? conditions).default, {
  external: [...signers, ...sources, './ca-certificates.json'],
  plugins: [builtinsWithoutRequire],
  output: {
    format: 'cjs',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    codeSplitting: { groups: [{ name: 'shared', test: /./, minShareCount: 2 }] },
    // Jest cannot run import() in CommonJS.
    dynamicImportInCjs: false,
    paths: Object.fromEntries(
      Object.entries(awsFiles).flatMap(([file, names]) => names.map((name) => [name, `./${file}`])),
    ),
  },
})
await bundle(core, 'mts', (conditions) => conditions.import?.default, {
  external: [/\.js$/],
  output: { format: 'esm', entryFileNames: '[name].mjs' },
})
for (const one of [core, ...adapters]) await bundleForBundlers(one)

/**
 * Writes the ES modules for the condition `module`, which only bundlers know. From these, a bundler can leave out what
 * an application does not use, and `import` and `require` in one bundle share a state.
 */
async function bundleForBundlers(one) {
  const generated = {
    './ca-certificates.json': { id: 'tls/ca-certificates-file.json', load: () => caCertificates },
    ...Object.fromEntries(signers.map((name) => [name, { id: 'aws-signers.mjs', load: esmSigners }])),
  }
  // Not every bundler accepts require() in an ES module.
  const withoutRequire = {
    name: 'without-require',
    transform(code, id) {
      if (!id.endsWith('.ts')) return undefined
      let imports = ''
      const changed = code
        .replaceAll(/\brequire\(('node:[\w/]+')\)/g, 'process.getBuiltinModule($1)')
        .replaceAll(/return require\(('[^']+')\)/g, 'return (await import($1)).default')
        .replaceAll(/const (\{[^}]+\}|\w+) = require\(('[^']+')\).*/g, (_, names, from) => {
          imports += `import ${names} from ${from};`
          return ''
        })
      if (/\brequire\('/.test(changed))
        throw new Error(`${id}: scripts/bundle.mjs cannot replace this require()`)
      return { code: imports + changed, map: null } // lines keep their numbers
    },
    resolveId: (id) => generated[id] && `${one.folder}/src/${generated[id].id}`,
    load: (id) =>
      Object.values(generated)
        .find((file) => id === `${one.folder}/src/${file.id}`)
        ?.load(),
  }
  await bundle(one, 'ts', ({ module }) => module?.default ?? module, {
    external: sources,
    plugins: [withoutRequire],
    output: {
      format: 'esm',
      // Otherwise a bundle would contain these sources twice: fromIni uses them too.
      paths: Object.fromEntries(sources.map((name) => [name, '@aws-sdk/credential-providers'])),
      dir: `${one.folder}/dist/esm`,
      preserveModules: true,
      preserveModulesRoot: `${one.folder}/src`,
      entryFileNames: '[name].mjs',
    },
  })
}

async function esmSigners() {
  return (await bundleAwsCode(signers, 'esm')).code
}

async function bundle({ folder, manifest }, extension, fileOf, { external = [], plugins, output }) {
  const { exports, dependencies, peerDependencies } = manifest
  const names = Object.values(exports)
    .flatMap((conditions) => fileOf(conditions) ?? [])
    .map((file) => basename(file).replace(/\.m?js$/, ''))
  const packages = Object.keys({ ...dependencies, ...peerDependencies })
  await build({
    cwd: folder,
    platform: 'node',
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.${extension}`])),
    external: [/^node:/, ...packages.map((name) => new RegExp(`^${name}(/|$)`)), ...external],
    plugins,
    output: {
      dir: `${folder}/dist`,
      strict: true,
      esModule: true,
      sourcemap: true,
      externalLiveBindings: false,
      ...output,
    },
    logLevel: 'warn',
  })
}
