//! Somebody else's code, by the rules that linguist publishes (`vendor.yml`): only the path counts.
//!
//! The rules are a list of patterns there; here they are grouped by the part of the path they look at, so that most
//! paths are settled by a few comparisons. The groups' names say what the patterns of a group have in common.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Whether one of linguist's patterns matches the path.
pub(super) fn is_vendored(path: &[u8]) -> bool {
    let mut parts = path.split(|&byte| byte == b'/').peekable();
    let mut start = 0;
    let mut above: &[u8] = b"";
    while let Some(part) = parts.next() {
        let is_folder = parts.peek().is_some();
        let rest = &path[start..];
        if is_bundled_file(part) || is_bundled_script(part, rest, is_folder) || follows(above, part) {
            return true;
        }
        if is_folder {
            if is_folder_name(part) || is_folder_pair(above, part) || covers(part, &rest[part.len() + 1..]) {
                return true;
            }
            if start == 0 && matches!(part, b"dependencies" | b"Dependencies" | b"deps" | b"debian") {
                return true;
            }
        } else if is_file_name(part) || has_suffix(path) || (start == 0 && part == b"rebar") {
            return true;
        }
        above = part;
        start += part.len() + 1;
    }
    false
}

fn is_folder_name(name: &[u8]) -> bool {
    match name {
        b"cache"
        | b"dist"
        | b"node_modules"
        | b"bower_components"
        | b"testdata"
        | b"bootstrap-datepicker"
        | b"vendors"
        | b"extern"
        | b"external"
        | b"externals"
        | b"Extern"
        | b"External"
        | b"Externals"
        | b"ace-builds"
        | b"MathJax"
        | b"admin_media"
        | b"env"
        | b"Carthage"
        | b"Sparkle"
        | b"Crashlytics.framework"
        | b"Fabric.framework"
        | b"BuddyBuildSDK.framework"
        | b"puphpet"
        | b".google_apis"
        | b".github"
        | b".obsidian"
        | b".teamcity"
        | b"xvba_modules"
        | b".vscode" => true,
        _ => {
            name.ends_with(b".xctemplate")
                || name.ends_with(b".imageset")
                || is_third_party(name)
                || name
                    .strip_suffix(b"endor")
                    .is_some_and(|v| !v.is_empty() && v.iter().all(|byte| matches!(byte, b'v' | b'V')))
        }
    }
}

/// A name that ends in `third_party`, `3rdparty` and the like.
fn is_third_party(name: &[u8]) -> bool {
    let Some(rest) = name.strip_suffix(b"party").or_else(|| name.strip_suffix(b"Party")) else {
        return false;
    };
    let rest = rest.strip_suffix(b"-").or_else(|| rest.strip_suffix(b"_")).unwrap_or(rest);
    rest.ends_with(b"3rd") || rest.ends_with(b"third") || rest.ends_with(b"Third")
}

/// A folder that counts by the folder it lies in.
fn is_folder_pair(above: &[u8], name: &[u8]) -> bool {
    match above {
        b".yarn" => matches!(name, b"releases" | b"plugins" | b"sdks" | b"versions" | b"unplugged"),
        b"Godeps" => name == b"_workspace",
        b"gradle" | b".mvn" => name == b"wrapper",
        b"inst" => name == b"extdata",
        b"test" | b"tests" | b"Test" | b"Tests" | b"spec" | b"specs" | b"Spec" | b"Specs" => {
            name == b"fixtures"
        }
        b"doc" | b"docs" => matches!(
            name.strip_prefix(b"_").unwrap_or(name),
            b"build" | b"theme" | b"themes" | b"template" | b"templates" | b"static"
        ),
        b"extjs" => matches!(
            name,
            b".sencha"
                | b"docs"
                | b"builds"
                | b"cmd"
                | b"examples"
                | b"locale"
                | b"packages"
                | b"plugins"
                | b"resources"
                | b"src"
                | b"welcome"
        ),
        _ => false,
    }
}

/// A file or folder that counts by how it begins and by the folder it lies in.
fn follows(above: &[u8], name: &[u8]) -> bool {
    above == b"tiny_mce" && starts_with_any(name, &[b"langs", b"plugins", b"themes", b"utils"])
}

/// A folder under which files of some kinds count, however deep they lie.
fn covers(folder: &[u8], below: &[u8]) -> bool {
    match folder {
        b"bourbon" | b"Bourbon" | b"font-awesome" | b"fontawesome" => ends_with_any(below, STYLES),
        b"select2" => ends_with_any(below, &[b".css", b".scss", b".js"]),
        b"flow-typed" => below.ends_with(b".js"),
        b"extjs" => ends_with_any(below, &[b".js", b".xml", b".txt", b".html", b".properties"]),
        b"codemirror" | b"codeMirror" | b"Codemirror" | b"CodeMirror" => is_codemirror(below),
        b"packages" | b"Packages" => has_versioned_folder(below),
        _ => false,
    }
}

fn is_codemirror(below: &[u8]) -> bool {
    const PARTS: &[&[u8]] = &[b"lib", b"mode", b"theme", b"addon", b"keymap", b"demo"];
    if starts_with_any(below, PARTS) {
        return true;
    }
    let Some(end) = memchr::memchr(b'/', below) else { return false };
    let mut version = below[..end].split(|&byte| byte == b'.');
    let digits =
        |part: Option<&[u8]>| part.is_some_and(|p| !p.is_empty() && p.iter().all(u8::is_ascii_digit));
    digits(version.next())
        && digits(version.next())
        && version.next().is_none()
        && starts_with_any(&below[end + 1..], PARTS)
}

/// A NuGet package: a folder whose name ends in a dot and a number.
fn has_versioned_folder(below: &[u8]) -> bool {
    memchr::memchr_iter(b'/', below).any(|end| {
        let digits = below[..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        digits > 0 && end - digits > 1 && below[end - digits - 1] == b'.'
    })
}

const STYLES: &[&[u8]] = &[b".css", b".less", b".scss", b".styl"];

fn is_file_name(name: &[u8]) -> bool {
    match name {
        b"configure"
        | b"config.guess"
        | b"config.sub"
        | b"dotnet-install.ps1"
        | b"dotnet-install.sh"
        | b"_esy"
        | b"run.n"
        | b"fabfile.py"
        | b"waf"
        | b".osx"
        | b".gitattributes"
        | b".gitignore"
        | b".gitmodules"
        | b"gradlew"
        | b"gradlew.bat"
        | b"mvnw"
        | b"mvnw.cmd"
        | b".DS_Store"
        | b".DS_store"
        | b".Ds_Store"
        | b".Ds_store"
        | b".dS_Store"
        | b".dS_store"
        | b".ds_Store"
        | b".ds_store"
        | b"Vagrantfile"
        | b"activator"
        | b"activator.bat"
        | b"proguard.pro"
        | b"proguard-rules.pro"
        | b"Jenkinsfile"
        | b".gitpod.Dockerfile"
        | b"bulma.css"
        | b"bulma.sass"
        | b"bulma.scss"
        | b"materialize.js"
        | b"effects.js"
        | b"controls.js"
        | b"dragdrop.js"
        | b"dojo.js"
        | b"MochiKit.js"
        | b"ckeditor.js"
        | b"Chart.js"
        | b"shCore.js"
        | b"shLegacy.js"
        | b"html5shiv.js" => true,
        _ => STYLES.iter().any(|style| {
            matches!(
                name.strip_suffix(*style),
                Some(
                    b"font-awesome"
                        | b"fontawesome"
                        | b"foundation"
                        | b"normalize"
                        | b"skeleton"
                        | b"animate"
                        | b"materialize"
                )
            )
        }),
    }
}

fn has_suffix(path: &[u8]) -> bool {
    const SUFFIXES: &[&[u8]] = &[
        b".min.js",
        b"-min.js",
        b".min.css",
        b"-min.css",
        b"import.css",
        b"import.less",
        b"import.scss",
        b"import.styl",
        b".d.ts",
        b"-vsdoc.js",
        b".intellisense.js",
    ];
    path.last().is_some_and(|last| b"stl".contains(last)) && ends_with_any(path, SUFFIXES)
}

/// A file or folder that counts by how it begins, whatever follows.
fn is_bundled_file(name: &[u8]) -> bool {
    const BEGINNINGS: &[&[u8]] = &[
        b"aclocal.m4",
        b"libtool.m4",
        b"ltoptions.m4",
        b"ltsugar.m4",
        b"ltversion.m4",
        b"lt~obsolete.m4",
        b"cpplint.py",
        b"erlang.mk",
        b".indent.pro",
        b"jquery.fn.gantt.js",
        b"jquery.fancybox.js",
        b"jquery.fancybox.css",
        b"fuelux.js",
        b"jquery.dataTables.js",
        b"bootbox.js",
        b"pdf.worker.js",
        b"leaflet.draw-src.js",
        b"leaflet.draw.css",
        b"Control.FullScreen.css",
        b"Control.FullScreen.js",
        b"leaflet.spin.js",
        b"wicket-leaflet.js",
        b".sublime-project",
        b".sublime-workspace",
        b"Realm.framework",
        b"RealmSwift.framework",
        b"octicons.css",
        b"sprockets-octicons.scss",
    ];
    // The shortest of these, and the bytes with which one of them begins.
    name.len() >= 9 && b"alce.jfbpwCRos".contains(&name[0]) && starts_with_any(name, BEGINNINGS)
}

/// Scripts and styles of well-known frameworks. `rest` is the path from `name` on: some of the patterns run across
/// folders.
fn is_bundled_script(name: &[u8], rest: &[u8], is_folder: bool) -> bool {
    if !ends_with_any(rest, &[b"js", b"css", b"less", b"scss", b"styl"]) {
        return false;
    }
    let script = rest.ends_with(b".js");
    let bootstrap = ends_with_any(rest, STYLES) || script;
    match name.first() {
        Some(b'b') if name.starts_with(b"bootstrap") && bootstrap && (!is_folder || name.contains(&b'.')) => {
            return true;
        }
        Some(b'c') if name.starts_with(b"custom.bootstrap") => {
            return !rest[16..].iter().any(u8::is_ascii_whitespace);
        }
        Some(b'f') if name.starts_with(b"fontello") => return rest.ends_with(b".css"),
        Some(b'f') if name.starts_with(b"foundation") => {
            return script && (rest == b"foundation.js" || rest[10] == b'.');
        }
        Some(b'p') if name.starts_with(b"prototype") => return script,
        _ => {}
    }
    if script {
        const ONE_DOT: &[&[u8]] =
            &[b"jquery", b"yahoo-", b"yui", b"tiny_mce", b"shBrush", b"angular", b"d3", b"cordova"];
        let one_dot = memchr::memchr(b'.', rest) == Some(rest.len() - 3);
        if one_dot && (starts_with_any(rest, ONE_DOT) || rest == b"react.js" || rest.starts_with(b"react-")) {
            return true;
        }
    }
    is_versioned(name) && VERSIONED.is_match(rest)
}

/// Whether one of the patterns of [`VERSIONED`] may begin here.
fn is_versioned(name: &[u8]) -> bool {
    name.first().is_some_and(|first| b"jsLmdkcM".contains(first))
        && starts_with_any(
            name,
            &[
                b"jquery",
                b"slick.",
                b"Leaflet.",
                b"mootools",
                b"d3.v",
                b"modernizr",
                b"knockout-",
                b"cordova-",
                b"microsoft",
                b"Microsoft",
            ],
        )
}

/// Frameworks with a version or a part in the file's name.
static VERSIONED: LazyLock<Regex> = LazyLock::new(|| {
    let patterns = [
        r"jquery-[0-9]\.[0-9]+(\.[0-9]+)?\.js",
        r"jquery-ui(-[0-9]\.[0-9]+(\.[0-9]+)?)?(\.\w+)?\.(js|css)",
        r"jquery\.(ui|effects)\.([^.]*)\.(js|css)",
        r"jquery\.fileupload(-\w+)?\.js",
        r"jquery([^.]*)\.validate(\.unobtrusive)?\.js",
        r"jquery([^.]*)\.unobtrusive-ajax\.js",
        r"slick\.\w+.js",
        r"Leaflet\.Coordinates-[0-9]+\.[0-9]+\.[0-9]+\.src\.js",
        r"mootools([^.]*)[0-9]+\.[0-9]+.[0-9]+([^.]*)\.js",
        r"d3\.v[0-9]+([^.]*)\.js",
        r"modernizr-[0-9]\.[0-9]+(\.[0-9]+)?\.js",
        r"modernizr\.custom\.[0-9]+\.js",
        r"knockout-([0-9]+\.){3}(debug\.)?js",
        r"cordova-[0-9]\.[0-9](\.[0-9])?\.js",
        r"[Mm]icrosoft([Mm]vc)?([Aa]jax|[Vv]alidation)(\.debug)?\.js",
    ];
    super::generated::fixed_regex(&format!(r"(?s)^(?:{})$", patterns.join("|")))
});

fn starts_with_any(text: &[u8], beginnings: &[&[u8]]) -> bool {
    beginnings.iter().any(|beginning| text.starts_with(beginning))
}

fn ends_with_any(text: &[u8], ends: &[&[u8]]) -> bool {
    ends.iter().any(|end| text.ends_with(end))
}
