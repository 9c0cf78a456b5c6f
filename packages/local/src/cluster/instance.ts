import type { LocalRds } from '../local-rds'
import type { InstanceStatus, ReplicatedServer } from './replicated-server'

/** An instance of a cluster. */
export interface LocalInstance {
  /** Instance identifier: `local-1`, `local-2`, … */
  readonly id: string
  /** Name of its endpoint. */
  readonly host: string
  /** IP address that the endpoint listens on. */
  readonly address: string
  /** Its endpoint, with the logins and connections of this instance. */
  readonly endpoint: LocalRds
  /** Whether it is the writer: the instance that was promoted last, also when its server is down. */
  readonly isWriter: boolean
  /** Whether its server runs. */
  readonly isRunning: boolean
}

/** An instance with its server. Address and endpoint are set when the server runs for the first time. */
export class Instance implements LocalInstance, InstanceStatus {
  address!: string
  endpoint!: LocalRds
  isWriter = false
  isFrozen = false
  /** Whether it has everything that the writer committed before it stopped. */
  isComplete = false
  stoppedAt: Date | undefined
  lagMs = 0

  /** @param number counts from 1, and is never used again. */
  constructor(
    readonly id: string,
    readonly number: number,
    readonly host: string,
    readonly server: ReplicatedServer,
  ) {}

  get isRunning(): boolean {
    return this.stoppedAt === undefined
  }

  get isRunningReader(): boolean {
    return !this.isWriter && this.isRunning
  }
}
