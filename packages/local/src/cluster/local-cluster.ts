import { randomBytes } from 'node:crypto'
import { createAuthority, type Authority } from '../certificate'
import type { Engine } from '../defaults'
import { identityEnvironment } from '../iam/identity'
import { MysqlServer } from '../servers/mysql-server'
import { readClusterOptions, type LocalClusterOptions, type ResolvedClusterOptions } from './cluster-options'
import { ClusterEndpoints } from './cluster-endpoints'
import { Instance, type LocalInstance } from './instance'
import { ReplicatedMariadb } from './replicated-mariadb'
import type { ClusterServerOptions, InstanceStatus, ReplicatedServer } from './replicated-server'
import { ReplicatedPostgres } from './replicated-postgres'

/**
 * Starts an Aurora cluster on this machine: a writer and readers, real servers with real replication, and for each an
 * endpoint that verifies tokens as {@link startLocalRds} does. The names of cluster and instances must be resolved by
 * the caller; {@link LocalCluster.addresses} knows their addresses.
 *
 * Each instance has a loopback address of its own, from 127.0.0.11 on. Linux and Windows have them all; macOS has only
 * 127.0.0.1 until `sudo ifconfig lo0 alias 127.0.0.11` and so on.
 * @throws {TypeError} when an option is wrong, Error when a server or an endpoint does not start; nothing is left then.
 * @example
 * const cluster = await startLocalCluster({ engine: 'postgres', instances: 3 })
 * // … connect to cluster.host and cluster.port, with a DNS that asks cluster.addresses …
 * await cluster.failover()
 * await cluster.close()
 */
export function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  return LocalCluster.start(options)
}

/** A running cluster. Its operations run one after the other. */
export class LocalCluster {
  /** Database engine. */
  readonly engine: Engine
  /** Name of the cluster's writer endpoint. */
  readonly host: string
  /** Name of the cluster's reader endpoint. */
  readonly readerHost: string
  /** Region that tokens must be signed for. */
  readonly region: string
  /** The first database user. */
  readonly user: string
  /** Certificate of the CA that signed the certificates of all instances, in PEM. */
  readonly ca: string
  /** Environment variables with which an AWS SDK finds the first identity and the region. */
  readonly env: Record<string, string>

  readonly #options: ResolvedClusterOptions
  readonly #password = randomBytes(18).toString('base64url')
  readonly #endpoints: ClusterEndpoints
  /** All servers, also those that are being started. */
  readonly #servers = new Set<ReplicatedServer>()
  /** The MariaDB whose data each server begins with. It is never started. */
  #template: MysqlServer | undefined
  #instances: Instance[] = []
  #created = 0
  #operations: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  private constructor(options: ResolvedClusterOptions, authority: Authority) {
    const { engine, configuration } = options
    const { region, users, identities } = configuration
    this.#endpoints = new ClusterEndpoints(options, authority)
    this.engine = engine
    this.host = this.#endpoints.host
    this.readerHost = this.#endpoints.readerHost
    this.region = region
    this.user = users[0] ?? ''
    this.ca = authority.ca
    this.env = identityEnvironment(identities[0], region)
    this.#options = options
  }

  /** Starts a cluster, as {@link startLocalCluster} does. */
  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    const resolved = readClusterOptions(options)
    const cluster = new LocalCluster(resolved, await createAuthority())
    try {
      await cluster.#start()
      resolved.signal?.throwIfAborted()
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  /** TCP port of all endpoints. */
  get port(): number {
    return this.#writer.endpoint.port
  }

  /** The database, `app`. */
  get database(): string {
    return this.#writer.server.backend.database
  }

  /** The cluster's instances. */
  get instances(): readonly LocalInstance[] {
    return [...this.#instances]
  }

  /**
   * The addresses that a name of the cluster has now, as a DNS without delay would answer: for the cluster endpoint the
   * writer's, also while it is down; for the reader endpoint those of all readers that run, or else the writer's.
   *
   * @returns undefined for a name that is not the cluster's.
   */
  addresses(host: string): string[] | undefined {
    const name = host.toLowerCase()
    if (name === this.host) return [this.#writer.address]
    if (name !== this.readerHost) {
      const instance = this.#instances.find((candidate) => candidate.host === name)
      return instance && [instance.address]
    }
    const readers = this.#runningReaders
    return readers.length === 0 ? [this.#writer.address] : readers.map(({ address }) => address)
  }

  /**
   * The writer dies, a reader becomes the writer, and the old writer comes back as a reader: {@link kill},
   * {@link promote} and {@link restart} in one. `to` is the instance to promote; default: the first reader that runs.
   * A writer without readers comes back as the writer.
   */
  async failover({ to }: { to?: string } = {}): Promise<void> {
    const { id } = this.#writer
    await this.kill(id)
    if (this.#instances.length > 1) await this.promote(to)
    await this.restart(id)
  }

  /** As {@link failover}, but the writer's server shuts down while its clients are connected, and can tell them. */
  async switchover({ to }: { to?: string } = {}): Promise<void> {
    const { id } = this.#writer
    await this.promote(to)
    await this.restart(id)
  }

  /**
   * Ends an instance, by default the writer: its connections close without a message, and new ones are refused.
   *
   * The readers have all that the writer committed, as with Aurora's shared storage.
   */
  kill(id?: string): Promise<void> {
    return this.#enqueue(async () => {
      const instance = this.#instance(id)
      await this.#suspend(instance)
      await this.#stop(instance)
    })
  }

  /**
   * Makes a reader the writer, by default the first that runs. The old writer's server is shut down before, unless it is
   * down, and stays down until {@link restart}; if it is frozen, its endpoint remains silent.
   *
   * Resolves when the instance accepts writes. The other readers learn of it, and follow it, a moment later.
   * @throws {Error} when the reader is down, or was down when the writer stopped.
   */
  promote(id?: string): Promise<void> {
    const promoted = this.#enqueue(async () => {
      const old = this.#writer
      const reader = id === undefined ? this.#runningReaders[0] : this.#instance(id)
      if (!reader?.isRunningReader)
        throw new Error(id === undefined ? 'no reader runs' : `${id} is not a reader that runs`)
      if (!old.isRunning && !reader.isComplete)
        throw new Error(`${reader.id} was down when the writer stopped`)
      await this.#stop(old)
      await reader.server.promote()
      old.isWriter = false
      reader.isWriter = true
      reader.server.report(this.#status())
      if (!old.isFrozen) await this.#suspend(old)
    })
    this.#operations = this.#operations.then(() => this.#follow())
    this.#operations.catch(() => {}) // the next operation fails with it
    return promoted
  }

  /**
   * Starts an instance again, by default the writer; one that runs is ended before. It comes back as the writer if no
   * reader was promoted meanwhile, else as a reader.
   */
  restart(id?: string): Promise<void> {
    return this.#enqueue(() => this.#restart(this.#instance(id)))
  }

  /**
   * Makes an instance hang, by default the writer: its connections stay open, and nothing is answered.
   *
   * @returns a function that ends it. If a reader was promoted meanwhile, the connections are closed then, and the
   * instance comes back as a reader.
   */
  async freeze(id?: string): Promise<() => Promise<void>> {
    const instance = this.#instance(id)
    await this.#enqueue(() => {
      instance.isFrozen = true
      instance.endpoint.freeze()
      return Promise.resolve()
    })
    return () =>
      this.#enqueue(async () => {
        if (!instance.isFrozen) return
        instance.isFrozen = false
        if (instance.isRunning) instance.endpoint.thaw()
        else await this.#restart(instance)
      })
  }

  /** Adds a reader. */
  addInstance(): Promise<LocalInstance> {
    return this.#enqueue(async () => {
      const instance = this.#create()
      try {
        await this.#startReader(instance)
        await this.#endpoints.start(instance)
        this.#instances.push(instance)
        this.#report()
        return instance
      } catch (error) {
        await this.#remove(instance)
        throw error
      }
    })
  }

  /** Removes a reader, with its data. */
  removeInstance(id: string): Promise<void> {
    return this.#enqueue(async () => {
      const instance = this.#instance(id)
      if (instance.isWriter) throw new Error(`${id} is the writer: promote a reader before`)
      this.#instances = this.#instances.filter((other) => other !== instance)
      this.#report()
      await instance.endpoint.close()
      await this.#remove(instance)
    })
  }

  /** Sets how far a reader reports to lag behind, in milliseconds. It does not lag in fact. */
  setLag(id: string, lagMs: number): Promise<void> {
    return this.#enqueue(() => {
      this.#instance(id).lagMs = lagMs
      this.#report()
      return Promise.resolve()
    })
  }

  /** Closes everything, and stops all servers; resolves when nothing is left. */
  close(): Promise<void> {
    this.#closing ??= this.#operations
      .catch(() => {})
      .then(async () => {
        await Promise.all(this.#instances.map(({ endpoint }) => endpoint.close()))
        await Promise.all([...this.#servers].map((server) => server.remove()))
        await this.#template?.remove()
      })
    return this.#closing
  }

  get #writer(): Instance {
    const writer = this.#instances.find(({ isWriter }) => isWriter)
    if (writer === undefined) throw new Error('the cluster has no writer yet')
    return writer
  }

  get #runningReaders(): Instance[] {
    return this.#instances.filter(({ isRunningReader }) => isRunningReader)
  }

  #instance(id = this.#writer.id): Instance {
    const instance = this.#instances.find((candidate) => candidate.id === id)
    if (instance === undefined) throw new Error(`the cluster has no instance ${id}`)
    return instance
  }

  /** Runs an operation after those before it, whether or not they failed. */
  #enqueue<T>(operation: () => Promise<T>): Promise<T> {
    const done = this.#operations.then(operation)
    this.#operations = done.catch(() => {})
    return done
  }

  async #start(): Promise<void> {
    if (this.engine === 'mysql') await this.#createTemplate()
    const instances = Array.from({ length: this.#options.instances }, () => this.#create())
    const [writer, ...readers] = instances as [Instance, ...Instance[]]
    writer.isWriter = true
    await writer.server.startWriter()
    const started = await Promise.allSettled(readers.map((reader) => this.#startReader(reader, writer)))
    for (const result of started) if (result.status === 'rejected') throw result.reason
    await this.#endpoints.startAll(instances)
    this.#instances = instances
    this.#report()
  }

  async #createTemplate(): Promise<void> {
    this.#template = new MysqlServer(this.#serverOptions)
    if (!this.#template.isMariadb) throw new Error('a cluster needs MariaDB, but this machine has only MySQL')
    await this.#template.initialize()
  }

  get #serverOptions(): ClusterServerOptions {
    const { aurora, signal, configuration } = this.#options
    return { users: configuration.users, password: this.#password, aurora, signal }
  }

  #create(): Instance {
    const number = ++this.#created
    const id = `local-${number}`
    const server = this.#template
      ? new ReplicatedMariadb(id, number, this.#template, this.#serverOptions)
      : new ReplicatedPostgres(id, this.#serverOptions)
    this.#servers.add(server)
    return new Instance(id, number, this.#endpoints.hostOf(id), server)
  }

  async #startReader({ server }: Instance, writer = this.#writer): Promise<void> {
    await server.startReader(writer.server)
    await server.untilFollowing(writer.server)
  }

  async #suspend(instance: Instance): Promise<void> {
    instance.isFrozen = false
    await instance.endpoint.suspend()
  }

  async #stop(instance: Instance): Promise<void> {
    if (!instance.isRunning) return
    if (instance.isWriter) for (const other of this.#instances) other.isComplete = other.isRunning
    instance.stoppedAt = new Date()
    await instance.server.stop()
  }

  async #restart(instance: Instance): Promise<void> {
    await this.#suspend(instance)
    await this.#stop(instance)
    const writer = this.#writer
    if (instance === writer) await instance.server.startWriter()
    else if (writer.isRunning) await this.#startReader(instance)
    else await instance.server.startReader(writer.server)
    instance.stoppedAt = undefined
    if (instance === writer) await this.#follow()
    else this.#report()
    await instance.endpoint.resume()
  }

  /** Makes the readers that run follow the writer, if it runs, and tells all servers of the instances. */
  async #follow(): Promise<void> {
    const writer = this.#writer
    const readers = writer.isRunning ? this.#runningReaders : []
    await Promise.all(
      readers.map(async ({ server }) => {
        await server.follow(writer.server)
        await server.untilFollowing(writer.server)
      }),
    )
    this.#report()
  }

  #report(): void {
    const status = this.#status()
    for (const { server } of this.#instances) server.report(status)
  }

  #status(): InstanceStatus[] {
    return this.#instances.map(({ id, isWriter, lagMs, stoppedAt }) => ({ id, isWriter, lagMs, stoppedAt }))
  }

  async #remove({ server }: Instance): Promise<void> {
    this.#servers.delete(server)
    await server.remove()
  }
}
