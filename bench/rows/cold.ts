import { fork } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleProgram, runProgram } from '../application'
import type { CredentialSources } from '../credential-sources'
import { createFigure, measure, type Figure, type Line } from '../figures'
import { writeFirstRow, type Login, type Stack } from '../programs'
import { environment, type Scene } from '../scene'

const TARGETS: Record<Stack, number> = { pg: 1.1, knex: 1.06, kysely: 1.05 }
const STACKS = ['pg', 'knex', 'kysely'] as const

/** The time of a new process that logs in with credentials from its environment and reads a row. */
export async function coldFirstRow(scene: Scene, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const stack of STACKS) {
    const logins: Login[] = ['static token', 'rds-iam', 'usual recipe']
    if (stack === 'pg') logins.push('AWS wrapper')
    const files = Object.fromEntries(logins.map((login) => [login, writeFirstRow(stack, login)]))
    figures.push(
      ...(await overStatic(
        { what: 'a cold process to first row', subject: stack, target: TARGETS[stack] },
        files,
        () => environment(scene.postgres),
        seconds,
      )),
    )
  }
  const files = Object.fromEntries(
    (['static token', 'DSQL connector'] as const).map((login) => [login, writeFirstRow('pg', login)]),
  )
  figures.push(
    ...(await overStatic(
      { what: 'a cold process to first row', subject: 'pg, Aurora DSQL' },
      files,
      () => environment(scene.dsql),
      seconds,
    )),
  )
  return [...figures, ...(await coldSources(scene, seconds))]
}

/** The same for pg with each source of credentials that is not the environment. */
async function coldSources(scene: Scene, seconds: number): Promise<Figure[]> {
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
      const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _key, ...others } = await environment(endpoint)
      figures.push(
        ...(await overStatic(
          { what: 'a cold process to first row', subject: `pg, ${source}` },
          files,
          async () => ({ ...others, ...variables }),
          seconds,
        )),
      )
    }
  } finally {
    child.kill()
  }
  return figures
}

/** The same for a program in one bundled file, as for AWS Lambda, and the size of the file. */
export async function bundledFirstRow(scene: Scene, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const stack of STACKS) {
    const bundle = (login: Login, cas = false) => bundleProgram(writeFirstRow(stack, login, cas))
    const files = {
      'static token': await bundle('static token'),
      'rds-iam': await bundle('rds-iam'),
      'usual recipe': await bundle('usual recipe'),
    }
    const sizeOver = (recipe: string, what: string) =>
      createFigure(
        { what: `bundle: size over the usual recipe's ${what}`, subject: stack, unit: 'kB', target: 25 },
        { 'rds-iam': [(statSync(files['rds-iam']).size - statSync(recipe).size) / 1_000] },
      )
    figures.push(
      ...(await overStatic(
        { what: 'a cold bundle to first row', subject: stack, target: 1.12 },
        files,
        () => environment(scene.postgres),
        seconds,
      )),
      sizeOver(await bundle('usual recipe', true), "with AWS's CA certificates, like ours"),
      sizeOver(files['usual recipe'], 'without CA certificates'),
    )
  }
  return figures
}

/** Measures the CPU and the time of programs, over the static token; and the CPU of ours over the usual recipe. */
async function overStatic(
  { what, ...line }: Pick<Line, 'what' | 'subject' | 'target'>,
  { 'static token': baseline = '', ...files }: Record<string, string>,
  env: () => Promise<Record<string, string>>,
  seconds: number,
): Promise<Figure[]> {
  const run = (file: string) => async () => runProgram<Record<'cpu' | 'wall', number>>(file, await env())
  const programs = Object.entries({ baseline, ...files })
  const cpu = { ...line, quantity: 'cpu', what: `CPU of ${what}`, unit: '×' } as const
  const overRecipe = {
    ...cpu,
    what: `${cpu.what}, over the usual recipe`,
    over: 'usual recipe',
    target: 1,
  } as const
  const { target: _, ...wall } = { ...cpu, quantity: 'wall', what: `time of ${what}` } as const
  return measure(
    Object.fromEntries(programs.map(([name, file]) => [name, run(file)])),
    'usual recipe' in files ? [cpu, overRecipe, wall] : [cpu, wall],
    seconds,
  )
}
