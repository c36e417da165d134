/** Keys in the site's bucket. Reports expire; the site's own pages do not. */
export const REPORTS = "reports/";
export const INDEX_PAGE = "index.html";
export const FORBIDDEN_PAGE = "pages/403.html";
export const NOT_FOUND_PAGE = "pages/404.html";
