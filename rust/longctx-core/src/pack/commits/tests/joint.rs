//! One commit across several files.

use super::*;

#[test]
fn a_commit_is_told_across_its_files_definitions_before_uses() {
    let sandbox = Sandbox::new();
    sandbox.write("z_lib.py", &module(40, 0, 1));
    sandbox.write("a_user.py", &format!("import z_lib\n\n\n{}", module(40, 0, 1)));
    sandbox.commit("First");
    sandbox.write("z_lib.py", &module(40, 20, 555));
    sandbox.write("a_user.py", &format!("import z_lib\n\n\n{}", module(40, 20, 555)));
    sandbox.write("new.py", "NEW = True\n");
    sandbox.commit("Change both");
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    let told = packed.of_form("commit");
    assert_eq!(told.len(), 1, "the first commit only adds");
    let shown: Vec<(&str, &str)> = told[0]
        .segments()
        .iter()
        .filter(|segment| segment["role"] != "signature")
        .map(|segment| (text(&segment["path"]), text(&segment["why"])))
        .collect();
    let position = |path, why| shown.iter().position(|one| *one == (path, why)).unwrap();
    assert!(position("z_lib.py", "state") < position("a_user.py", "state"));
    assert!(position("a_user.py", "state") < position("z_lib.py", "changed"));
    assert!(position("z_lib.py", "changed") < position("a_user.py", "changed"));
    let text = packed.text(told[0]);
    assert_eq!(text.matches("<|COMMIT_START|>").count(), 1);
    assert_eq!(text.matches("<|FILE_START|>new.py\nNEW = True\n<|FILE_END|>").count(), 1);
    assert!(packed.learnt(told[0]).contains("NEW = True"), "a new file is shown after only");
    assert!(packed.learnt(told[0]).starts_with("<|FILE_START|>"));
}

#[test]
fn a_long_new_file_shows_its_beginning() {
    let sandbox = Sandbox::new();
    sandbox.write("a.py", &module(3, 0, 1));
    sandbox.commit("First");
    sandbox.write("a.py", &module(3, 0, 2));
    sandbox.write("long.py", &module(200, 0, 1));
    sandbox.commit("Add");
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    let told = packed.of_form("commit");
    let segment = told[0].segments().iter().find(|segment| segment["path"] == "long.py").unwrap();
    assert_eq!((text(&segment["role"]), segment["bytes"][0].as_u64()), ("change", Some(0)));
    assert!(packed.text(told[0]).contains("<|FILE_START|>long.py\ndef function_0"));
}

#[test]
fn a_commit_of_many_files_is_told_file_by_file_only() {
    let sandbox = Sandbox::new();
    for value in 1..3 {
        for n in 0..9 {
            sandbox.write(format!("f{n}.py"), &function(value));
        }
        sandbox.commit("All");
    }
    let packed = packed(&sandbox, |_| {});
    assert_eq!(packed.of_form("commit").len(), 0);
    assert_eq!(packed.history()["tellings"]["versions"], 9 * 2);
}
