//! A picture of a run: how one prime spread, and how many peers nodes had. Plain SVG 1.1, without scripts, in the colours of
//! whoever looks at it: dark or light.

use std::fmt::Write as _;

use super::report::{Degrees, Report, Spread, Times};

/// Of the picture, in its own units.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 420.0;

/// The most points of a curve: more could not be told apart.
const POINTS: usize = 240;

const STYLE: &str = "\
svg { background: #ffffff; color: #1f2328; font-family: system-ui, sans-serif; font-size: 13px }
text { fill: currentColor } .title { font-size: 15px; font-weight: 600 } .faint { fill: #59636e }
.axis { stroke: currentColor; stroke-width: 1 } .grid { stroke: #d1d9e0; stroke-width: 1 }
.heard { stroke: #0969da; fill: none; stroke-width: 2 } .verified { stroke: #bc4c00; fill: none; stroke-width: 2 }
.key-heard { fill: #0969da } .key-verified { fill: #bc4c00 } .bar { fill: #0969da }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; color: #e6edf3 } .faint { fill: #9198a1 } .grid { stroke: #30363d }
.heard { stroke: #4493f8 } .verified { stroke: #f0883e } .key-heard { fill: #4493f8 } .key-verified { fill: #f0883e }
.bar { fill: #4493f8 } }";

/// Where a diagram is.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

const SPREAD: Frame = Frame { left: 60.0, top: 64.0, width: 510.0, height: 290.0 };
const DEGREES: Frame = Frame { left: 650.0, top: 64.0, width: 280.0, height: 290.0 };

impl Frame {
    /// The point at parts of the width and of the height, from the lower left.
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + x * self.width, self.top + (1.0 - y) * self.height)
    }
}

/// The picture of one run: of the first prime that was found, if there is one.
pub fn svg(name: &str, report: &Report) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         role=\"img\">\n"
    );
    let title = format!("{name}, seed {}: {} hosts", report.seed, report.hosts);
    put(&mut svg, format_args!("<title>{}</title>\n<style>{STYLE}</style>", escaped(&title)));
    text(&mut svg, "title", "start", (SPREAD.left, 26.0), &title);
    spread(&mut svg, report.primes.first());
    degrees(&mut svg, &report.degrees);
    svg.push_str("</svg>\n");
    svg
}

fn spread(svg: &mut String, prime: Option<&Spread>) {
    let heading = match prime {
        Some(prime) => format!("M{}: share of nodes that had it, by seconds after it was found", prime.exponent),
        None => "no prime was found".to_owned(),
    };
    text(svg, "faint", "start", (SPREAD.left, 48.0), &heading);
    for quarter in 0..=4 {
        let share = f64::from(quarter) / 4.0;
        grid(svg, &SPREAD, share, &format!("{:.0} %", 100.0 * share));
    }
    axes(svg, &SPREAD);
    let Some(prime) = prime else { return };
    let last = |times: &Times| times.sorted().last().copied().unwrap_or_default();
    let (step, steps) = ticks(last(&prime.heard).max(last(&prime.verified)).max(1e-3));
    let until = step * f64::from(steps);
    for tick in 0..=steps {
        let seconds = step * f64::from(tick);
        let (x, y) = SPREAD.at(seconds / until, 0.0);
        text(svg, "faint", "middle", (x, y + 18.0), &short(seconds));
    }
    for (class, times) in [("heard", &prime.heard), ("verified", &prime.verified)] {
        let points: String = curve(times, until)
            .into_iter()
            .map(|(x, y)| SPREAD.at(x, y))
            .map(|(x, y)| format!("{x:.1},{y:.1} "))
            .collect();
        put(svg, format_args!("<polyline class=\"{class}\" points=\"{}\"/>", points.trim_end()));
    }
    for (index, (name, what)) in [("heard", "had heard of it"), ("verified", "had verified it")].into_iter().enumerate()
    {
        let (x, y) = (SPREAD.left + 170.0 * index as f64, SPREAD.top + SPREAD.height + 44.0);
        put(svg, format_args!("<rect class=\"key-{name}\" x=\"{x}\" y=\"{:.1}\" width=\"14\" height=\"4\"/>", y - 6.0));
        text(svg, "faint", "start", (x + 20.0, y), what);
    }
}

/// The steps of a distribution, as parts of the width and height.
fn curve(times: &Times, until: f64) -> Vec<(f64, f64)> {
    let all = times.sorted();
    if all.is_empty() || until <= 0.0 {
        return vec![(0.0, 0.0), (1.0, 0.0)];
    }
    let nodes = times.nodes().max(1) as f64;
    let every = all.len().div_ceil(POINTS);
    let mut points = vec![(0.0, 0.0)];
    for (index, &time) in all.iter().enumerate() {
        if index % every == 0 || index + 1 == all.len() {
            let before = points.last().map_or(0.0, |&(_, share)| share);
            points.push((time / until, before));
            points.push((time / until, (index + 1) as f64 / nodes));
        }
    }
    points.push((1.0, all.len() as f64 / nodes));
    points
}

fn degrees(svg: &mut String, degrees: &Degrees) {
    text(svg, "faint", "start", (DEGREES.left, 48.0), "nodes by number of active peers, at the end");
    let most = degrees.counts.iter().copied().max().unwrap_or_default().max(1);
    let (step, steps) = ticks(most as f64);
    let top = step * f64::from(steps);
    for tick in 0..=steps {
        let nodes = step * f64::from(tick);
        grid(svg, &DEGREES, nodes / top, &short(nodes));
    }
    axes(svg, &DEGREES);
    let columns = degrees.max + 1;
    let every = columns.div_ceil(12);
    for (degree, &count) in degrees.counts.iter().enumerate().take(columns) {
        let slot = DEGREES.width / columns as f64;
        let height = DEGREES.height * count as f64 / top;
        let (x, base) = DEGREES.at(degree as f64 / columns as f64, 0.0);
        put(
            svg,
            format_args!(
                "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\">\
                 <title>{count} nodes with {degree} peers</title></rect>",
                x + slot * 0.1,
                base - height,
                slot * 0.8
            ),
        );
        if degree % every == 0 {
            text(svg, "faint", "middle", (x + slot / 2.0, base + 18.0), &degree.to_string());
        }
    }
}

/// A step of 1, 2 or 5 times a power of ten, and how many of them reach so far: at most six.
fn ticks(most: f64) -> (f64, u32) {
    let magnitude = 10f64.powf((most / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * magnitude).into_iter().find(|step| most / step <= 6.0);
    let step = step.unwrap_or(10.0 * magnitude);
    (step, ((most / step).ceil() as u32).max(1))
}

/// A number without what rounding left behind it.
fn short(number: f64) -> String {
    format!("{}", (number * 1e6).round() / 1e6)
}

fn grid(svg: &mut String, frame: &Frame, share: f64, label: &str) {
    let ((left, y), (right, _)) = (frame.at(0.0, share), frame.at(1.0, share));
    put(svg, format_args!("<line class=\"grid\" x1=\"{left:.1}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/>"));
    text(svg, "faint", "end", (left - 8.0, y + 4.0), label);
}

fn axes(svg: &mut String, frame: &Frame) {
    let ((left, bottom), (right, top)) = (frame.at(0.0, 0.0), frame.at(1.0, 1.0));
    put(
        svg,
        format_args!(
            "<polyline class=\"axis\" fill=\"none\" points=\"{left:.1},{top:.1} {left:.1},{bottom:.1} {right:.1},{bottom:.1}\"/>"
        ),
    );
}

fn text(svg: &mut String, class: &str, anchor: &str, (x, y): (f64, f64), text: &str) {
    let text = escaped(text);
    put(svg, format_args!("<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"));
}

fn put(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // A String takes all that is written.
    _ = writeln!(svg, "{element}");
}

/// Text as it stands in XML; what XML cannot have is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_control()) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks through all tags; the names of the elements, or what is wrong with them.
    fn elements(xml: &str) -> Result<Vec<String>, String> {
        let (mut open, mut all) = (Vec::new(), Vec::new());
        for (index, piece) in xml.split('<').enumerate().skip(1) {
            let (tag, text) = piece.split_once('>').ok_or(format!("tag {index} has no end"))?;
            if text.contains('>') || text.split('&').skip(1).any(|rest| !rest.contains(';')) {
                return Err(format!("{text:?} is not escaped"));
            }
            if let Some(name) = tag.strip_prefix('/') {
                match open.pop() {
                    Some(last) if last == name => continue,
                    other => return Err(format!("</{name}> closes {other:?}")),
                }
            }
            let is_empty = tag.ends_with('/');
            let (name, attributes) =
                tag.trim_end_matches('/').split_once(' ').unwrap_or((tag.trim_end_matches('/'), ""));
            if attributes.matches('"').count() % 2 != 0
                || attributes.matches("=\"").count() * 2 != attributes.matches('"').count()
            {
                return Err(format!("the attributes {attributes:?} are not quoted"));
            }
            all.push(name.to_owned());
            if !is_empty {
                open.push(name.to_owned());
            }
        }
        if open.is_empty() { Ok(all) } else { Err(format!("{open:?} are not closed")) }
    }

    fn measured(nodes: usize) -> Report {
        let times = |scale: f64| Times::new(nodes, (0..nodes).map(|node| scale * node as f64).collect());
        let prime = Spread { exponent: 31, heard: times(1e-4), verified: times(2e-4), ..Spread::default() };
        Report { primes: vec![prime], degrees: Degrees::new(vec![0, 3, 9, 40]), hosts: nodes, ..Report::default() }
    }

    #[test]
    fn the_picture_is_well_formed_whatever_was_measured() {
        let mut alone = measured(1);
        alone.primes[0].verified = Times::new(1, Vec::new());
        for report in [measured(10_000), measured(4), alone, Report::default()] {
            let svg = svg("a <b> & \"c\"\u{7}", &report);
            let elements = elements(&svg).unwrap();
            assert_eq!(elements[0], "svg");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.len() < 40_000, "{} bytes", svg.len());
            assert!(svg.contains("a &lt;b&gt; &amp; &quot;c&quot;, seed 0"));
        }
    }

    #[test]
    fn what_is_not_well_formed_is_noticed() {
        for xml in ["<a><b></a></b>", "<a>", "<a x=1\"/>", "<a>x & y</a>", "<a"] {
            assert!(elements(xml).is_err(), "{xml}");
        }
    }

    #[test]
    fn a_curve_begins_at_nobody_and_ends_at_who_was_reached() {
        let times = Times::new(4, vec![1.0, 2.0, 4.0]);
        let curve = curve(&times, 5.0);
        assert_eq!((curve[0], *curve.last().unwrap()), ((0.0, 0.0), (1.0, 0.75)));
        assert!(curve.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
        assert!(curve.contains(&(0.4, 0.5)));
    }

    #[test]
    fn bars_are_as_high_as_nodes_are_many() {
        let svg = svg("x", &measured(4));
        // 40 of the 40 that the axis goes to, 9 of them.
        assert!(svg.contains("height=\"290.0\"><title>40 nodes with 3 peers"), "{svg}");
        assert!(svg.contains("height=\"65.2\"><title>9 nodes with 2 peers"), "{svg}");
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(40.0), (10.0, 4));
        assert_eq!(ticks(0.61), (0.2, 4));
        assert_eq!(ticks(1.0), (0.2, 5));
        assert!([1e-3, 0.013, 7.0, 99.0, 12_345.0].iter().all(|&most| {
            let (step, steps) = ticks(most);
            (1..=6).contains(&steps) && step * f64::from(steps) >= most
        }));
    }
}
