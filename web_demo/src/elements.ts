/** The element with an id, which the page always has. */
export const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
