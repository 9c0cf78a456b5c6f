import { runProgram } from './program'

process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  // The program that reads our output may stop before its end, as `head` does.
  if (code === 'EPIPE') return
  process.stderr.write(`rds-iam: standard output cannot be written: ${code}\n`)
  process.exit(1)
})

void runProgram(process.argv.slice(2)).then((status) => {
  // Flush the output, then exit: a credential source that hangs keeps its sockets open.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(status)))
})
