import { listenForStop } from './stop-request'

// Before anything else is loaded, which takes a while: from here on a signal stops cleanly.
const stop = listenForStop()

void import('./run.js')
  .then(({ runCommand }) => runCommand(process.argv.slice(2), stop))
  .then((status) => process.exit(status))
