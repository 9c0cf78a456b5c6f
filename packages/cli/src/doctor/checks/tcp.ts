import { failed, ok, type Cause, type Finding } from '../finding'
import { addressText, type LoginOptions } from '../../login/options'

/** The result of a TCP connection. */
export type TcpObservation = { address: string; tookMs: number } | { error: string }

/** Whether the port accepts a connection. */
export function checkTcp({ dial }: Pick<LoginOptions, 'dial'>, observation: TcpObservation): Finding {
  const where = addressText(dial)
  if (!('error' in observation))
    return ok('tcp', `connected to ${observation.address}`, [`in ${observation.tookMs} ms`])
  const { error } = observation
  if (error === 'ECONNREFUSED') return failed('tcp', portClosed(`nothing listens at ${where}`))
  if (error === 'timeout' || error === 'ETIMEDOUT')
    return failed('tcp', portSilent(`${where} does not answer`))
  if (error === 'ENOTFOUND' || error === 'EAI_AGAIN')
    return failed('tcp', {
      code: 'NAME_UNKNOWN',
      why: `DNS does not know ${dial.host}`,
      fix: 'Check --host.',
    })
  return failed('tcp', {
    code: 'HOST_UNREACHABLE',
    why: `${where} cannot be reached (${error})`,
    fix: 'Check the route: VPN, peering, route tables; from outside a VPC a private endpoint needs a tunnel.',
  })
}

/** The cause for a port where nothing listens. */
export function portClosed(why: string): Cause {
  return {
    code: 'PORT_CLOSED',
    why,
    fix: 'Check the port (console: Connectivity & security), that the instance is available, or that the tunnel runs.',
  }
}

/** The cause for a port that does not answer. */
export function portSilent(why: string): Cause {
  return {
    code: 'PORT_SILENT',
    why,
    fix:
      'Allow this machine: an inbound rule of the security group for the port, network ACLs, routes;\n' +
      '"Publicly accessible" or a tunnel from outside the VPC. The server must be the database itself.',
  }
}
