//! C#, Ruby, PHP and shell.

use crate::graph::testing::{edges, unresolved};

#[cfg(feature = "c-sharp")]
#[test]
fn c_sharp_types_are_found_in_the_namespaces_in_sight() {
    let files = [
        (
            "A/Main.cs",
            "using System;\nusing App.Tools;\nusing Alias = App.Other.Deep;\n\nnamespace App.Core;\n\nclass Main : Base {\n  Hammer h; Alias a; Shared s;\n}\n",
        ),
        ("A/Base.cs", "namespace App.Core { class Base {} }\n"),
        ("A/Shared.cs", "namespace App { class Shared {} }\n"),
        ("T/Hammer.cs", "namespace App.Tools { class Hammer {} }\n"),
        ("T/Unused.cs", "namespace App.Tools { class Unused {} }\n"),
        ("O/Deep.cs", "namespace App.Other { class Deep {} }\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "A/Main.cs -> A/Base.cs (same-package)",
            "A/Main.cs -> A/Shared.cs (same-package)",
            "A/Main.cs -> O/Deep.cs (top-level)",
            "A/Main.cs -> T/Hammer.cs (top-level)"
        ]
    );
    assert_eq!(unresolved(&files), ["A/Main.cs:1 System (external)"]);
}

#[test]
fn ruby_requires_and_autoloaded_constants_are_found() {
    let files = [
        (
            "lib/app.rb",
            "require 'app/core'\nrequire_relative 'app/util'\nrequire 'json'\nrequire_relative 'gone'\nmodule App\n  def self.late\n    require 'app/late'\n  end\nend\n",
        ),
        ("lib/app/core.rb", "module App\n  class Core\n    def go = Model.new\n  end\nend\n"),
        ("lib/app/util.rb", ""),
        ("lib/app/late.rb", ""),
        ("models/model.rb", "module App\n  class Model; end\nend\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "lib/app.rb -> lib/app/core.rb (top-level)",
            "lib/app.rb -> lib/app/late.rb (function-local)",
            "lib/app.rb -> lib/app/util.rb (top-level)",
            "lib/app/core.rb -> models/model.rb (same-package)"
        ]
    );
    assert_eq!(unresolved(&files), ["lib/app.rb:3 json (external)", "lib/app.rb:4 gone (missing)"]);
}

#[test]
fn php_uses_includes_and_same_namespace_classes_are_found() {
    let files = [
        (
            "src/Main.php",
            "<?php\nnamespace App;\nuse App\\Model\\{User, Post as Entry};\nuse Psr\\Log\\Logger;\nuse App\\Gone;\nrequire_once __DIR__ . '/../config.php';\nclass Main extends Base { function f() { new Entry(); \\App\\Model\\Full::x(); } }\n",
        ),
        ("src/Base.php", "<?php\nnamespace App;\nclass Base {}\n"),
        ("src/Model/User.php", "<?php\nnamespace App\\Model;\nclass User {}\n"),
        ("src/Model/Post.php", "<?php\nnamespace App\\Model;\nclass Post {}\n"),
        ("src/Model/Full.php", "<?php\nnamespace App\\Model;\nclass Full {}\n"),
        ("config.php", "<?php\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "src/Main.php -> config.php (include)",
            "src/Main.php -> src/Base.php (same-package)",
            "src/Main.php -> src/Model/Full.php (same-package)",
            "src/Main.php -> src/Model/Post.php (top-level)",
            "src/Main.php -> src/Model/User.php (top-level)"
        ]
    );
    assert_eq!(
        unresolved(&files),
        ["src/Main.php:4 Psr\\Log\\Logger (external)", "src/Main.php:5 App\\Gone (missing)"]
    );
}

#[test]
fn shell_scripts_are_found_behind_variables() {
    let files = [
        (
            "bin/run.sh",
            "#!/bin/bash\nDIR=$(cd \"$(dirname \"$0\")\" && pwd)\nsource \"$DIR/lib/a.sh\"\n. \"$(dirname \"$0\")/../common.sh\"\nf() { source ./b.sh; }\nsource ~/.bashrc\nsource gone.sh\nbash ./tool.sh\n",
        ),
        ("bin/lib/a.sh", ""),
        ("bin/b.sh", ""),
        ("bin/tool.sh", ""),
        ("common.sh", ""),
    ];
    assert_eq!(
        edges(&files),
        [
            "bin/run.sh -> bin/b.sh (function-local)",
            "bin/run.sh -> bin/lib/a.sh (top-level)",
            "bin/run.sh -> bin/tool.sh (function-local)",
            "bin/run.sh -> common.sh (top-level)"
        ]
    );
    assert_eq!(unresolved(&files), ["bin/run.sh:6 ~/.bashrc (external)", "bin/run.sh:7 gone.sh (missing)"]);
}
