import { fork } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleProgram, runProgram } from '../application'
import type { CredentialSources } from '../credential-sources'
import { interleave, judge, ratios, spread, type Figure } from '../figures'
import { writeFirstRow, type Login, type Stack } from '../programs'
import { environment, type Scene } from '../scene'

const TARGETS: Record<Stack, number> = { pg: 1.1, knex: 1.06, kysely: 1.05 }
const STACKS = ['pg', 'knex', 'kysely'] as const

/** The time of a new process that logs in with credentials from its environment and reads a row. */
export async function coldFirstRow(scene: Scene, rounds: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const stack of STACKS) {
    const logins: Login[] = ['static token', 'rds-iam', 'usual recipe']
    if (stack === 'pg') logins.push('AWS wrapper')
    const files = Object.fromEntries(logins.map((login) => [login, writeFirstRow(stack, login)]))
    const { cpu, wall } = await overStatic(() => environment(scene.postgres), files, rounds)
    const target = { atMost: TARGETS[stack], text: `${TARGETS[stack]}, and below the usual recipe` }
    figures.push(
      belowRecipe(
        judge({
          row: 'cold',
          what: 'CPU of a cold process to first row',
          subject: stack,
          unit: '×',
          measured: cpu,
          target,
        }),
      ),
      { row: 'cold', what: 'time of a cold process to first row', subject: stack, unit: '×', measured: wall },
    )
  }
  const files = Object.fromEntries(
    (['static token', 'DSQL connector'] as const).map((login) => [login, writeFirstRow('pg', login)]),
  )
  const { cpu, wall } = await overStatic(() => environment(scene.dsql), files, rounds)
  const common = { row: 'cold', subject: 'pg, Aurora DSQL', unit: '×' } as const
  figures.push(
    { ...common, what: 'CPU of a cold process to first row', measured: cpu },
    { ...common, what: 'time of a cold process to first row', measured: wall },
  )
  return [...figures, ...(await coldSources(scene, rounds))]
}

/** The same for pg with each source of credentials that is not the environment. */
async function coldSources(scene: Scene, rounds: number): Promise<Figure[]> {
  const child = fork(fileURLToPath(new URL('../credential-sources.ts', import.meta.url)), [
    scene.postgres.backend,
  ])
  const figures: Figure[] = []
  try {
    const [{ endpoint, env }] = (await once(child, 'message')) as [CredentialSources]
    const files = Object.fromEntries(
      (['static token', 'rds-iam', 'usual recipe'] as const).map((login) => [
        login,
        writeFirstRow('pg', login),
      ]),
    )
    for (const [source, variables] of Object.entries(env)) {
      const {
        AWS_ACCESS_KEY_ID: _id,
        AWS_SECRET_ACCESS_KEY: _secret,
        ...others
      } = await environment(endpoint)
      const { cpu, wall } = await overStatic(async () => ({ ...others, ...variables }), files, rounds)
      const common = { row: 'cold', subject: `pg, ${source}`, unit: '×' } as const
      const isBelow = (cpu['rds-iam']?.median ?? NaN) < (cpu['usual recipe']?.median ?? NaN)
      figures.push(
        { ...common, what: 'CPU of a cold process to first row', measured: cpu, met: isBelow },
        { ...common, what: 'time of a cold process to first row', measured: wall },
      )
    }
  } finally {
    child.kill()
  }
  return figures
}

/** The same for a program in one bundled file, as for AWS Lambda, and the size of the file. */
export async function bundledFirstRow(scene: Scene, rounds: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const stack of STACKS) {
    const bundle = (login: Login, cas = false) => bundleProgram(writeFirstRow(stack, login, cas))
    const files = {
      'static token': await bundle('static token'),
      'rds-iam': await bundle('rds-iam'),
      'usual recipe': await bundle('usual recipe'),
    }
    const { cpu, wall } = await overStatic(() => environment(scene.postgres), files, rounds)
    const target = { atMost: 1.12, text: '1.12, and below the usual recipe' }
    const size = (file: string) => statSync(file).size / 1_000
    const over = (recipe: string): Figure['measured'] => ({
      'rds-iam': spread([size(files['rds-iam']) - size(recipe)]),
    })
    const common = { row: 'bundle', subject: stack, unit: 'kB' } as const
    const sizeTarget = { atMost: 25, text: '25 kB' }
    figures.push(
      belowRecipe(
        judge({
          row: 'bundle',
          what: 'bundle: CPU of a cold process to first row',
          subject: stack,
          unit: '×',
          measured: cpu,
          target,
        }),
      ),
      {
        row: 'bundle',
        what: 'bundle: time of a cold process to first row',
        subject: stack,
        unit: '×',
        measured: wall,
      },
      judge({
        ...common,
        what: "bundle: size over the usual recipe's with AWS's CA certificates, like ours",
        measured: over(await bundle('usual recipe', true)),
        target: sizeTarget,
      }),
      judge({
        ...common,
        what: "bundle: size over the usual recipe's without CA certificates",
        measured: over(files['usual recipe']),
        target: sizeTarget,
      }),
    )
  }
  return figures
}

interface OverStatic {
  cpu: Figure['measured']
  wall: Figure['measured']
}

async function overStatic(
  env: () => Promise<Record<string, string>>,
  files: Record<string, string>,
  rounds: number,
): Promise<OverStatic> {
  const { 'static token': baseline = [], ...others } = await interleave(
    Object.fromEntries(
      Object.entries(files).map(([login, file]) => {
        const run = async () => runProgram<Record<'cpu' | 'wall', number>>(file, await env())
        return [login, run]
      }),
    ),
    rounds,
  )
  const over = (time: 'cpu' | 'wall') =>
    Object.fromEntries(
      Object.entries(others).map(([login, taken]) => [
        login,
        ratios(
          taken.map((one) => one[time]),
          baseline.map((one) => one[time]),
        ),
      ]),
    )
  return { cpu: over('cpu'), wall: over('wall') }
}

function belowRecipe(figure: Figure): Figure {
  const { 'rds-iam': ours, 'usual recipe': recipe } = figure.measured
  return { ...figure, met: figure.met === true && (ours?.median ?? NaN) < (recipe?.median ?? NaN) }
}
