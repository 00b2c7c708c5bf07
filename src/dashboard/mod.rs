//! The live page: plain ES modules, style sheets and one library for charts, as they lie in `web/`, inside the program.
//!
//! Nothing is built and nothing is loaded from anywhere else: the policy allows the page's own files and nothing more. What
//! the page shows comes by one event stream, `/feed`; this room knows nothing of nodes.

/// What a browser that shows the page may load, run, and talk to: this server, and nobody else.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page itself; what it loads it asks for under `page/`.
pub const INDEX: &str = "index.html";

/// A file of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Its media type.
    pub content_type: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

/// Each file of `web/` by its name there.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("web/", $name)))),*];
    };
}

files!(
    "cards.js",
    "charts.js",
    "chosen.js",
    "commands.js",
    "controls.js",
    "dom.js",
    "errors.js",
    "exercise.js",
    "flights.js",
    "icon.svg",
    "index.html",
    "layout.js",
    "links.js",
    "log.js",
    "main.js",
    "marks.js",
    "mesh.css",
    "mesh.js",
    "messages.js",
    "pace.js",
    "panels.css",
    "path.js",
    "spreads.js",
    "store.js",
    "stream.js",
    "style.css",
    "summary.js",
    "table.js",
    "timeline.js",
    "vendor/uPlot.LICENSE",
    "vendor/uPlot.esm.js",
    "vendor/uPlot.min.css",
    "words.js",
);

/// The file of this name.
pub fn asset(name: &str) -> Option<Asset> {
    let &(name, bytes) = FILES.iter().find(|(file, _)| *file == name)?;
    Some(Asset { content_type: content_type(name)?, bytes })
}

/// The media type of a file by the end of its name.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "LICENSE" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
