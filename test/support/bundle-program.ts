import { existsSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles a TypeScript program, without its dependencies, into one file. The bundle starts faster than the source does
 * with a loader. Returns the path of the bundle.
 */
export async function bundleProgram(source: URL): Promise<string> {
  const file = fileURLToPath(source)
  const folder = packageOf(file)
  const name = relative(folder, file).replaceAll(sep, '-').replace(/\.ts$/, '.mjs')
  const outfile = join(folder, 'node_modules/.cache/programs', name)
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
  return outfile
}

/** The folder of the package that contains a file. The bundle finds the package's dependencies from there. */
function packageOf(file: string): string {
  const folder = dirname(file)
  return existsSync(join(folder, 'package.json')) ? folder : packageOf(folder)
}
