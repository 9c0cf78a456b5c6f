import { Socket } from 'node:net'
import { invalidOption, type RdsIamError } from '../errors'

/** The error for a driver that got the configuration of another driver. */
export function wrongDriver(configFunction: string, driver: string): RdsIamError {
  return invalidOption(configFunction, `its result is a configuration for ${driver}, not for this driver`)
}

/** A socket for any driver that fails with an error instead of dialling. */
export function failedSocket(error: Error): Socket {
  const socket = new Socket()
  // pg dials by `connect`, which would open a destroyed socket again.
  socket.connect = () => socket
  // Wait a tick: the driver adds its 'error' listener after this call.
  process.nextTick(() => socket.destroy(error))
  return socket
}
