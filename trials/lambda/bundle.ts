import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildOptions } from 'esbuild'

/** The handlers to bundle, and the engine of each one's database. */
export const handlers = {
  'knex-pg': 'postgres',
  'kysely-pg': 'postgres',
  'kysely-mysql2': 'mysql',
} as const

export type Handler = keyof typeof handlers
export const formats = ['esm', 'cjs'] as const

const shared: BuildOptions = { bundle: true, platform: 'node', target: 'node20', logLevel: 'warning' }

/** Bundles a handler and all its dependencies into one file, as for Lambda. Returns the file's path. */
export async function bundleHandler(
  handler: Handler,
  format: (typeof formats)[number],
  folder: string,
): Promise<string> {
  const outfile = join(folder, `${handler}.${format === 'esm' ? 'mjs' : 'cjs'}`)
  await build({
    ...shared,
    entryPoints: [source(handler)],
    format,
    outfile,
    // Knex requires the drivers of all its dialects.
    external: ['better-sqlite3', 'mariadb', 'mysql', 'mysql2', 'oracledb', 'sqlite3', 'tedious'].filter(
      (driver) => !handler.includes(driver),
    ),
    // CommonJS modules in an ES module bundle need `require` for Node's own modules.
    ...(format === 'esm' ? { banner: { js: REQUIRE } } : {}),
  })
  return outfile
}

const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`

/** Bundles the replacement of Lambda's runtime. */
export async function bundleBootstrap(folder: string): Promise<string> {
  const outfile = join(folder, 'bootstrap.mjs')
  await build({ ...shared, entryPoints: [source('bootstrap')], format: 'esm', outfile })
  return outfile
}

function source(name: string): string {
  return fileURLToPath(new URL(`${name}.ts`, import.meta.url))
}
