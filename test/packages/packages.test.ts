// What users get: packed, installed by npm outside this workspace, and used with what they have.
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applications, copyScript, install, packages, run, workspace } from './applications'

const names = Object.keys(applications)
// Compilers and npm on two cores, beside other tests.
const SLOW = { timeout: 300_000 }

let folder: string
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'rds-iam-packages-')))
  await install(folder)
}, SLOW.timeout)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs the script of an installed package. */
function tool(script: string, args: string[], cwd = folder, env = {}): Promise<string> {
  return run(process.execPath, [script, ...args], { cwd, env })
}

describe.each(packages)('%s', (name) => {
  test('passes publint, suggestions included', SLOW, async () => {
    const linted = await tool(`${workspace}node_modules/publint/src/cli.js`, [
      'run',
      `rds-iam-${name}.tgz`,
      '--strict',
    ])
    expect(linted).toContain('All good!')
  })

  test('has types that resolve in every module setting', SLOW, async () => {
    // The profile strict leaves nothing out: node10, node16 from both formats, bundler.
    const attw = `${workspace}node_modules/@arethetypeswrong/cli/dist/index.js`
    expect(await tool(attw, [`rds-iam-${name}.tgz`, '--profile', 'strict'])).toContain('No problems found')
  })

  test('declares nothing by the types of a driver', async () => {
    const dist = join(folder, 'pg/node_modules/@rds-iam', name, 'dist')
    const declarations = (await readdir(dist, { recursive: true })).filter((file) => /\.d\.m?ts$/.test(file))
    expect(declarations).toContain('index.d.ts')
    for (const file of declarations) {
      const text = await readFile(join(dist, file), 'utf8')
      expect({ file, named: text.match(/(from |import\()['"](pg|mysql2|postgres|mariadb)[/'"]/)?.[0] }).toEqual({ file })
    }
  })
})

test.each(names)('%s: one state, by require and by import', async (name) => {
  const installed = applications[name]?.packages.map((installed) => `@rds-iam/${installed}`) ?? []
  const script = await copyScript('load.cjs', join(folder, name))
  const drivers = ['pg', 'mysql2', 'postgres', 'mariadb'].map((driver) => `@rds-iam/core/${driver}`)
  await tool(script, [...installed, ...drivers])
})

describe('types', () => {
  test('applications lack what they do not use', () => {
    expect(existsSync(join(folder, 'pg/node_modules/mysql2'))).toBe(false)
    expect(existsSync(join(folder, 'mysql2/node_modules/pg'))).toBe(false)
    expect(existsSync(join(folder, 'pg-untyped/node_modules/@types/pg'))).toBe(false)
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
    // It knows no require() of an ES module, which kysely 0.29 is.
    node16: { module: 'node16', include: ['kysely.mts'] },
  }
  const compilers = {
    '5.9': 'tools/node_modules/typescript/bin/tsc',
    '7.0': join(workspace, 'node_modules/typescript/bin/tsc'),
  }

  async function compile(name: string, version: keyof typeof compilers, setting: keyof typeof settings) {
    const tsc = resolve(folder, compilers[version])
    expect(await tool(tsc, ['--version'])).toContain(`Version ${version}.`)
    const project = join(folder, name, `tsconfig.${version}.${setting}.json`)
    const { include, ...options } = settings[setting]
    const compilerOptions = { target: 'es2022', types: ['node'], ...strict, ...options }
    await writeFile(project, JSON.stringify({ compilerOptions, include }))
    await tool(tsc, ['--project', project])
  }

  test.concurrent.each(names)('%s, by TypeScript 5.9 and 7.0', SLOW, async (name) => {
    for (const version of ['5.9', '7.0'] as const) {
      await compile(name, version, 'nodenext')
      await compile(name, version, 'bundler')
    }
  })

  test('kysely 0.29 by an older module setting', SLOW, () => compile('mysql2', '7.0', 'node16'))
})

const credentials = {
  AWS_ACCESS_KEY_ID: 'AKIDENVIRONMENT',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
}

test('Jest runs them as CommonJS', SLOW, async () => {
  const script = await copyScript('token.jest.cjs', join(folder, 'pg'))
  const config = JSON.stringify({ testMatch: [script], transform: {}, cacheDirectory: join(folder, 'jest') })
  const jest = join(folder, 'tools/node_modules/jest/bin/jest.js')
  await tool(jest, ['--config', config, '--rootDir', join(folder, 'pg')], join(folder, 'pg'), credentials)
})

describe.each(['esm', 'cjs'])('an esbuild bundle as %s', (format) => {
  // What is a CommonJS module requires Node's own, in whatever it is bundled.
  const banner = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`
  // Knex names the drivers of all its dialects.
  const dialects = ['better-sqlite3', 'mariadb', 'mysql', 'mysql2', 'oracledb', 'sqlite3', 'tedious']

  test.each([
    { source: 'bundled-knex', external: dialects },
    { source: 'bundled-kysely', external: [] as string[] },
  ])('$source runs with pg alone', SLOW, async ({ source, external }) => {
    const outfile = join(folder, `${source}.${format === 'esm' ? 'mjs' : 'cjs'}`)
    await tool(
      join(folder, 'tools/node_modules/esbuild/bin/esbuild'),
      [
        `${source}.ts`,
        '--bundle',
        '--platform=node',
        `--format=${format}`,
        `--outfile=${outfile}`,
        '--log-level=warning',
        ...(format === 'esm' ? [`--banner:js=${banner}`] : []),
        ...external.map((name) => `--external:${name}`),
      ],
      join(folder, 'pg'),
    )
    await tool(outfile, [], folder, credentials)
  })
})
