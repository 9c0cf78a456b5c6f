import { randomBytes } from 'node:crypto'
import type { Authority } from '../certificate'
import { LocalRds } from '../local-rds'
import type { ResolvedOptions } from '../resolve-options'
import type { Instance } from './instance'

/** Names a cluster and its instances, and starts their endpoints: each has its own address, and all have one port. */
export class ClusterEndpoints {
  /** The name of the cluster's writer endpoint. */
  readonly host: string
  /** The name of the cluster's reader endpoint. */
  readonly readerHost: string

  readonly #options: ResolvedOptions
  readonly #authority: Authority
  readonly #domain: string
  /** The first three octets of the addresses. */
  #network = ''
  #port = 0

  constructor(options: ResolvedOptions, authority: Authority) {
    const hash = Array.from(randomBytes(12), (byte) => (byte % 36).toString(36)).join('')
    this.#domain = `${hash}.${options.configuration.region}.rds.amazonaws.com`
    this.host = `local.cluster-${this.#domain}`
    this.readerHost = `local.cluster-ro-${this.#domain}`
    this.#options = options
    this.#authority = authority
  }

  /** The name of an instance's endpoint. */
  hostOf(id: string): string {
    return `${id}.${this.#domain}`
  }

  /** Finds addresses on which the same port is free, and starts the endpoints there. */
  async startAll(instances: readonly Instance[]): Promise<void> {
    for (let network = 0; ; network++) {
      this.#network = `127.0.${network}`
      this.#port = this.#options.port
      const started: LocalRds[] = []
      try {
        for (const instance of instances) started.push(await this.start(instance))
        return
      } catch (error) {
        await Promise.all(started.map((endpoint) => endpoint.close()))
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || network === 255) throw error
      }
    }
  }

  /** Starts the endpoint of one instance, on the same port as the other endpoints. */
  async start(instance: Instance): Promise<LocalRds> {
    const { host, number, server } = instance
    instance.address = `${this.#network}.${10 + number}`
    const configuration = { ...this.#options.configuration, endpoints: [host, this.host, this.readerHost] }
    const options = { ...this.#options, host: instance.address, port: this.#port, configuration }
    // The cluster creates the users, and stops the servers.
    const backend = {
      get backend() {
        return server.backend
      },
      rewrite: server.rewrite,
    }
    instance.endpoint = await LocalRds.listen(options, { server: backend, authority: this.#authority })
    this.#port = instance.endpoint.port
    return instance.endpoint
  }
}
