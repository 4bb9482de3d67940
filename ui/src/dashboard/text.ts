/** Variables in a text panel, whose HTML the server has cleaned: what is filled in is text and never becomes HTML. */

import { safeHref } from "./links";

/** Returns the HTML with the variables of its texts and addresses replaced by `fill`. */
export function fillHtml(html: string, fill: (text: string) => string): string {
  const page = new DOMParser().parseFromString(html, "text/html");
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    node.nodeValue = fill(node.nodeValue ?? "");
  }
  for (const link of page.body.querySelectorAll("a[href]")) {
    // Markdown encodes the braces of a variable.
    const written = (link.getAttribute("href") ?? "").replace(/\$%7B(.*?)%7D/gi, "${$1}");
    const href = safeHref(fill(written));
    if (href === null) {
      link.removeAttribute("href");
    } else {
      link.setAttribute("href", href);
    }
  }
  return page.body.innerHTML;
}
