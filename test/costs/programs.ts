import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))

const env = { PATH: process.env['PATH'] }
const credentials = { AWS_ACCESS_KEY_ID: 'AKIDENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'secret' }

/** Runs CommonJS in a child process. Returns the files that its last step loads, by package. */
export async function filesLoaded(
  first: string,
  last: string,
  variables: Readonly<Record<string, string>> = credentials,
): Promise<string[]> {
  const program = `
    const loaded = () => Object.keys(require.cache)
    async function main() {
      ${first}
      const before = new Set(loaded())
      ${last}
      console.log(JSON.stringify(loaded().filter((file) => !before.has(file))))
    }
    void main()`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], {
    cwd: here,
    env: { ...env, ...variables },
  })
  return (JSON.parse(stdout) as string[]).map(shorten).toSorted()
}

/** A file's package, and its path in the package. */
function shorten(file: string): string {
  const path = file.replaceAll('\\', '/')
  return /^.*\/node_modules\/(.*)$/.exec(path)?.[1] ?? path.replace(/^.*\/packages\//, '@rds-iam/')
}

/** Bundles a program as for AWS Lambda, without drivers that are not installed. Returns the size in bytes. */
export async function bundledBytes(program: string, external: string[] = []): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: here },
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    target: 'node20',
    external: ['pg-native', 'mysql2', ...external],
    logLevel: 'error',
  })
  return outputFiles[0]?.contents.length ?? 0
}

/** Bundles a program as an ES module and runs it in a child process. Returns its output. */
export async function runEsModule(program: string, external: string[] = []): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: here },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external,
    logLevel: 'error',
  })
  const running = promisify(execFile)(process.execPath, ['--input-type=module', '-'], {
    // The test's packages include the AWS SDK.
    cwd: here,
    env: { ...env, ...credentials },
  })
  running.child.stdin?.end(outputFiles[0]?.contents)
  return (await running).stdout
}
