import { runCommandLine } from './command-line'

process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  // The program that reads our output may stop before its end, as `head` does.
  if (code === 'EPIPE') return
  process.stderr.write(`rds-iam: standard output cannot be written: ${code}\n`)
  process.exit(1)
})

void runCommandLine(process.argv.slice(2)).then((status) => {
  // A source that hangs holds its sockets open: what was said is written, then nothing is waited for.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(status)))
})
