import { createContentLoader } from 'vitepress'

/** A page of the folder guides. */
export interface Guide {
  title: string
  url: string
}

declare const data: Guide[]
export { data }

export default createContentLoader('guides/*.md', {
  includeSrc: true,
  transform: (pages): Guide[] =>
    pages
      .map(({ url, src = '' }) => ({ url, title: /^# (.+)$/m.exec(src)?.[1]?.replaceAll('`', '') ?? url }))
      .toSorted((a, b) => a.title.localeCompare(b.title, 'en')),
})
