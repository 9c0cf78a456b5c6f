// Copies each snippet's file into the README at its mark; the tests check that they are equal.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${root}README.md`, 'utf8')
const marked = /(<!-- (test\/examples\/\S+) -->\n```ts\n).*?```/gs
writeFileSync(
  `${root}README.md`,
  readme.replace(marked, (_, mark, file) => `${mark}${readFileSync(root + file, 'utf8')}\`\`\``),
)
