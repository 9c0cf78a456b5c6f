import { runCommandLine } from './command-line'

// Whoever reads our output may stop before its end, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

void runCommandLine(process.argv.slice(2)).then((status) => {
  // A source that hangs holds its sockets open: what was said is written, then nothing is waited for.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(status)))
})
