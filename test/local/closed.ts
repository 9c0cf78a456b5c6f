import { once } from 'node:events'
import type { LocalRds } from '@rds-iam/local'

/** Resolves when no client is connected to the endpoint. */
export async function allClosed(rds: LocalRds): Promise<void> {
  while (rds.openConnections > 0) await once(rds.events, 'disconnection')
}
