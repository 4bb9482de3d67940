/** Variables in a text panel, whose HTML the server has cleaned: what is filled in is text and never becomes HTML. */

/**
 * Returns the HTML with its variables filled in.
 *
 * @param fill of a text.
 * @param address of an address; null where a page may not open it.
 */
export function fillHtml(
  html: string,
  fill: (text: string) => string,
  address: (url: string) => string | null,
): string {
  const page = new DOMParser().parseFromString(html, "text/html");
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    node.nodeValue = fill(node.nodeValue ?? "");
  }
  for (const link of page.body.querySelectorAll("a[href]")) {
    // Markdown encodes the braces of a variable.
    const written = (link.getAttribute("href") ?? "").replace(/\$%7B(.*?)%7D/gi, "${$1}");
    const href = address(written);
    if (href === null) {
      link.removeAttribute("href");
    } else {
      link.setAttribute("href", href);
    }
  }
  return page.body.innerHTML;
}
