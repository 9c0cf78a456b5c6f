import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Invocation, Message } from './invocation'

/** A function's process, which is frozen between invocations. */
export interface FunctionProcess {
  /** Invokes the function with an event. Returns the database sessions that it used. */
  invoke(event: Invocation): Promise<number[]>
  /** Resolves when it has lost this many connections since its start. */
  lost(connections: number): Promise<void>
  freeze(): void
  thaw(): void
  /** Ends its stdin, and returns its exit status. */
  end(): Promise<number | null>
  /** Kills it. */
  kill(): void
}

/** Starts a program in a new process, with only `env` as its environment. */
export function startFunction(program: string, args: string[], env: NodeJS.ProcessEnv): FunctionProcess {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  const answers: Message[] = []
  let lost = 0
  let errors = ''
  let wake = () => {}
  child.stderr.on('data', (data) => (errors += data))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as Message
    if (message.lost) lost++
    else answers.push(message)
    wake()
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  closed.then(
    () => wake(),
    () => wake(),
  )

  async function until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the function ended\n${errors}`)
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  // Windows cannot stop a process: there it stays idle.
  const signal = (name: NodeJS.Signals) => {
    if (process.platform !== 'win32') child.kill(name)
  }
  return {
    async invoke(event) {
      child.stdin.write(`${JSON.stringify(event)}\n`)
      const { sessions, error } = await until(() => answers.shift())
      if (!sessions) throw new Error(`the invocation failed: ${error}`)
      return sessions
    },
    lost: async (connections) => void (await until(() => (lost >= connections ? true : undefined))),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async end() {
      child.stdin.end()
      const [status] = await closed
      return status
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
