// Runs the bundled command many times in this process. Each run has its own modules, environment and output.
// See `startCommandProcess` in command.ts.
const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { Writable } = require('node:stream')
const { compileFunction } = require('node:vm')

const [, , bundle, program] = process.argv
const run = compileFunction(
  readFileSync(bundle, 'utf8'),
  ['module', 'exports', 'require', '__filename', '__dirname', 'process'],
  { filename: bundle },
)
const running = new Set()

process.on('message', ({ id, args, env }) => {
  const outcome = { status: null, signal: null, stdout: '', stderr: '' }
  const collect = (name) =>
    new Writable({
      write(chunk, _, done) {
        outcome[name] += chunk.toString()
        done()
      },
    })
  const exit = (status) => {
    if (!running.delete(exit)) return
    process.send({ id, outcome: { ...outcome, status } })
  }
  running.add(exit)
  exit.fail = (error) => {
    outcome.stderr += String(error?.stack ?? error)
    exit(1)
  }
  const own = Object.create(process, {
    argv: { value: [process.execPath, program, ...args] },
    env: { value: { ...env } },
    stdout: { value: collect('stdout') },
    stderr: { value: collect('stderr') },
    exit: { value: exit },
  })
  const load = createRequire(program)
  const module = { exports: {} }
  run(
    module,
    module.exports,
    (name) => (/^(node:)?process$/.test(name) ? own : load(name)),
    program,
    process.cwd(),
    own,
  )
})
// An unhandled error ends every running command. A command that has ended causes no more errors.
for (const event of ['uncaughtException', 'unhandledRejection'])
  process.on(event, (error) => {
    for (const { fail } of running) fail(error)
  })
