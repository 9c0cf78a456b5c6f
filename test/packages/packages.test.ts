// Tests the packages as users get them: packed, installed outside this workspace, and used with users' tools.
import { existsSync, realpathSync } from 'node:fs'
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publishedPackages, readJson, root as workspace } from '../../scripts/packages.mjs'
import { applications, copyScript, entriesOf, install } from './applications'
import { managers } from './managers'
import { startRegistry, type Registry } from './registry'
import { run } from './run'
import { packInto, type Packed } from './tarballs'

const names = Object.keys(applications)
// The packages whose README has one complete program.
const SHOWN = ['core', 'knex', 'kysely']
// The files that scripts/bundle.mjs writes, each from many sources.
const BUNDLED = [
  'dist/shared.js',
  'dist/shared.js.map',
  'dist/aws-signers.js',
  'dist/aws-signers.LICENSE.txt',
  'dist/tls/ca-certificates.json',
]
// Time for compilers and package managers on two cores, in parallel with other tests.
const SLOW = { timeout: 300_000 }

const credentials = {
  AWS_ACCESS_KEY_ID: 'AKIDENVIRONMENT',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
}

let folder: string
let packed: Packed[]
let registry: Registry
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'rds-iam-packages-')))
  packed = await packInto(folder)
  registry = await startRegistry(packed)
  await install(folder, packed, registry.url)
}, SLOW.timeout)
afterAll(async () => {
  await registry?.close()
  await rm(folder, { recursive: true, force: true })
})

/** The folder of an application. */
const application = (name: string) => join(folder, 'applications', name)

/** Runs the script of an installed package. */
function tool(script: string, args: string[], cwd = folder, env = {}): Promise<string> {
  return run(process.execPath, [script, ...args], { cwd, env })
}

describe.each(publishedPackages())('$name', ({ id, folder: source, entries, bins, tarball }) => {
  const its = () => packed.find((one) => one.id === id) as Packed
  const text = (file: string) => readFile(join(its().contents, file), 'utf8')

  test('contains the files built from its sources, and no others', async () => {
    // For module resolution as in Node 10.
    const stubs = Object.keys(its().manifest['exports'] ?? {})
      .filter((path) => !['.', './package.json'].includes(path))
      .map((path) => `${path.slice(2)}/package.json`)
    const loaders = Object.values(bins).filter((file) => !file.includes('dist/'))
    const wanted = ['LICENSE', 'README.md', 'package.json', ...stubs, ...loaders]
    const [built, others] = [true, false].map((is) =>
      its().files.filter((file) => file.startsWith('dist/') === is),
    )
    expect(others?.toSorted()).toEqual(wanted.toSorted())
    for (const file of built?.filter((one) => !BUNDLED.includes(one)) ?? []) {
      const [, stem, , m] = /^dist\/(.+?)(\.d)?\.(m?)(js|ts)(\.map)?$/.exec(file) ?? []
      expect(existsSync(join(source, `src/${stem}.${m}ts`)), `what made ${file}`).toBe(true)
    }
    expect(await text('LICENSE')).toBe(await readFile(join(workspace, 'LICENSE'), 'utf8'))
  })

  test('depends on our packages in the same version, pinned exactly when it uses their internal entry point', async () => {
    const { version, dependencies = {} } = its().manifest
    const ours = Object.entries(dependencies).filter(([dependency]) => dependency.startsWith('@rds-iam/'))
    const code = await Promise.all(
      its()
        .files.filter((file) => file.endsWith('.js'))
        .map(text),
    )
    const range = code.some((one) => one.includes('/internal"')) ? version : `^${version}`
    expect(ours).toEqual(ours.map(([dependency]) => [dependency, range]))
  })

  test('passes publint, suggestions included', SLOW, async () => {
    const publint = `${workspace}node_modules/publint/src/cli.js`
    expect(await tool(publint, ['run', tarball, '--strict'])).toContain('All good!')
  })

  test('has types that resolve in every module setting', SLOW, async () => {
    // The strict profile checks all modes: node10, node16 from both formats, bundler.
    const attw = `${workspace}node_modules/@arethetypeswrong/cli/dist/index.js`
    const said = await tool(attw, [tarball, '--profile', 'strict'])
    expect(said).toContain(entries.length > 0 ? 'No problems found' : 'This package does not contain types')
  })

  test("does not use a driver's types in its declarations", async () => {
    for (const file of its().files.filter((one) => /\.d\.m?ts$/.test(one))) {
      const named = (await text(file)).match(/(from |import\()['"](pg|mysql2|postgres|mariadb)[/'"]/)?.[0]
      expect({ file, named }).toEqual({ file })
    }
  })
})

test.each(names)('%s has one shared state when it is both required and imported', async (name) => {
  const script = await copyScript('load.cjs', application(name))
  await tool(script, entriesOf(applications[name]?.packages ?? []))
})

test('stack traces name the line in the source', async () => {
  const script = `try { require('@rds-iam/core/pg').pgConfig(null) } catch (error) { console.log(error.stack) }`
  const stack = await tool('--enable-source-maps', ['-e', script], application('pg'))
  expect(stack).toMatch(/core\/src\/pg\/pg-config\.ts:\d+/)
})

describe.each(Object.entries(managers))('installed by %s', (name, { exec }) => {
  const all = publishedPackages()
  const entries = all.flatMap((one) => one.entries)
  const at = () => join(folder, `by-${name}`)

  test('every entry point loads by require and by import', SLOW, async () => {
    await copyScript('load.cjs', at())
    await exec(at(), ['node', 'load.cjs', ...entries])
  })

  test('every entry point has types, and the programs in the READMEs compile', SLOW, async () => {
    const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}'`)
    const used = entries.map((_, index) => `Object.keys(entry${index}).length`)
    const source = [...imports, `export const sizes: number[] = [${used}]`, ''].join('\n')
    for (const file of ['types.mts', 'types.cts']) await writeFile(join(at(), file), source)
    for (const { id, contents } of packed.filter(({ id }) => SHOWN.includes(id))) {
      const readme = await readFile(join(contents, 'README.md'), 'utf8')
      await writeFile(join(at(), `readme-${id}.mts`), /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '')
    }
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', '--types', 'node']
    await exec(at(), ['tsc', ...options, 'types.mts', 'types.cts', ...SHOWN.map((id) => `readme-${id}.mts`)])
  })

  test.each(all.flatMap(({ bins, manifest }) => Object.keys(bins).map((bin) => ({ bin, manifest }))))(
    '$bin runs',
    SLOW,
    async ({ bin, manifest }) => {
      expect((await exec(at(), [bin, '--version'])).trim()).toBe(manifest['version'])
    },
  )
})

test('core gets credentials with the oldest versions in its dependency ranges', SLOW, async () => {
  const at = join(folder, 'oldest')
  const core = packed.find(({ id }) => id === 'core') as Packed
  for (const [name, range] of Object.entries(core.manifest['dependencies'] ?? {})) {
    const { version } = readJson(join(at, 'node_modules', name, 'package.json'))
    expect(range, name).toMatch(new RegExp(`^(>=|\\^)${version}( |$)`))
  }
  expect(existsSync(join(at, 'node_modules/@rds-iam/core/node_modules'))).toBe(false)
  const shared = join(at, 'credentials')
  await writeFile(shared, '[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n')
  const env = { AWS_ACCESS_KEY_ID: undefined, AWS_PROFILE: 'default', AWS_SHARED_CREDENTIALS_FILE: shared }
  expect(await tool(await copyScript('token.cjs', at), [], at, env)).toContain('AKIDPROFILE')
})

test.each(['oldest', 'by-npm'])(
  'the AWS SDK installed in %s supports the oldest Node version in our engines',
  async (name) => {
    const scope = join(folder, name, 'node_modules/@aws-sdk')
    for (const sdk of await readdir(scope)) {
      const { engines } = readJson(join(scope, sdk, 'package.json'))
      expect(engines, sdk).toEqual({ node: '>=20.0.0' })
    }
  },
)

describe('types', () => {
  test.each([
    ['pg', 'mysql2'],
    ['mysql2', 'pg'],
    ['pg-untyped', '@types/pg'],
  ])('the application %s does not have %s, and neither does its core', (name, other) => {
    const core = realpathSync(join(application(name), 'node_modules/@rds-iam/core'))
    for (const from of [application(name), core]) {
      const searched = createRequire(join(from, 'index.js')).resolve.paths(other) ?? []
      // NODE_PATH may name folders of this workspace.
      const places = searched.filter((place) => place.startsWith(folder))
      expect(places.filter((place) => existsSync(join(place, other)))).toEqual([])
    }
  })

  // Every declaration is checked but TypeScript's own.
  const strict = {
    strict: true,
    skipLibCheck: false,
    skipDefaultLibCheck: true,
    declaration: true,
    noEmit: true,
  }
  const settings = {
    nodenext: { module: 'nodenext', include: ['*.mts', '*.cts'] },
    bundler: {
      module: 'esnext',
      moduleResolution: 'bundler',
      exactOptionalPropertyTypes: true,
      include: ['*.ts'],
    },
    // This setting does not support require() of an ES module such as kysely 0.29.
    node16: { module: 'node16', include: ['kysely.mts'] },
  }
  const compilers = {
    '5.9': [join(workspace, 'node_modules/typescript-5.9/bin/tsc')],
    '7.0': [join(workspace, 'node_modules/typescript/bin/tsc'), '--singleThreaded'],
  }

  /** Compiles applications with each of the settings. One process for all takes half as long as one for each. */
  async function compile(
    version: keyof typeof compilers,
    names: string[],
    chosen: (keyof typeof settings)[],
  ) {
    const [tsc = '', ...args] = compilers[version]
    expect(await tool(tsc, ['--version'])).toContain(`Version ${version}.`)
    const projects: string[] = []
    for (const name of names)
      for (const setting of chosen) {
        const { include, ...options } = settings[setting]
        const compilerOptions = { target: 'es2022', types: ['node'], ...strict, ...options }
        const project = join(application(name), `tsconfig.${version}.${setting}.json`)
        await writeFile(project, JSON.stringify({ compilerOptions, include }))
        projects.push(project)
      }
    await tool(tsc, ['--build', ...projects, ...args])
  }

  test.each(['5.9', '7.0'] as const)('all applications compile with TypeScript %s', SLOW, (version) =>
    compile(version, names, ['nodenext', 'bundler']),
  )

  test('kysely 0.29 compiles with an older module setting', SLOW, () =>
    compile('7.0', ['mysql2'], ['node16']),
  )
})

test('Jest runs them as CommonJS', SLOW, async () => {
  const script = await copyScript('token.jest.cjs', application('pg'))
  const config = JSON.stringify({ testMatch: [script], transform: {}, cacheDirectory: join(folder, 'jest') })
  const jest = join(application('tools'), 'node_modules/jest/bin/jest.js')
  await tool(jest, ['--config', config, '--rootDir', application('pg')], application('pg'), credentials)
})

describe.each(['esm', 'cjs'] as const)('an esbuild bundle as %s', (format) => {
  // Bundled CommonJS modules need `require` for Node's own modules.
  const banner = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`
  // Knex requires the drivers of all its dialects.
  const dialects = ['better-sqlite3', 'mariadb', 'mysql', 'mysql2', 'oracledb', 'sqlite3', 'tedious']

  test.each([
    { source: 'bundled-knex', external: dialects },
    { source: 'bundled-kysely', external: [] as string[] },
  ])('$source runs with only pg installed', SLOW, async ({ source, external }) => {
    const outfile = join(folder, `${source}.${format === 'esm' ? 'mjs' : 'cjs'}`)
    await build({
      absWorkingDir: application('pg'),
      entryPoints: [`${source}.ts`],
      bundle: true,
      platform: 'node',
      format,
      outfile,
      logLevel: 'warning',
      ...(format === 'esm' ? { banner: { js: banner } } : {}),
      external,
    })
    await tool(outfile, [], folder, credentials)
  })
})
