import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Runs a command and returns its output. If the command fails, the error contains all its output. */
export async function run(
  command: string,
  args: string[],
  options: { cwd: string; env?: object },
): Promise<string> {
  // On Windows npm is a .cmd file, which needs a shell.
  const shell = process.platform === 'win32' && command === 'npm'
  const env = { ...process.env, ...options.env }
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd: options.cwd,
      env,
      shell,
      timeout: 240_000,
    })
    return stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}
