<?php
// License: GPL-3.0-or-later, see LICENSE.
// Gets $entry, a row of informativa_entries, or null for a new one. `drawselects` is FreePBX's list of destinations.
$id = (int) ($entry['id'] ?? 0);
$fields = [
    'description' => [_('Description'), 50, true],
    'line' => [_('Line (empty: the number that was called)'), 64, false],
];
?>
<form class="fpbx-submit" name="informativa" method="post" action="config.php?display=informativa" data-fpbx-delete="config.php?display=informativa&amp;action=delete&amp;extdisplay=<?php echo $id ?>">
	<input type="hidden" name="action" value="save">
	<input type="hidden" name="extdisplay" value="<?php echo $id ?: '' ?>">
<?php foreach ($fields as $name => [$label, $length, $needed]) { ?>
	<div class="element-container"><div class="row"><div class="form-group">
		<div class="col-md-3"><label class="control-label" for="<?php echo $name ?>"><?php echo htmlspecialchars($label, ENT_QUOTES, 'UTF-8') ?></label></div>
		<div class="col-md-9"><input type="text" class="form-control" id="<?php echo $name ?>" name="<?php echo $name ?>" maxlength="<?php echo $length ?>" value="<?php echo htmlspecialchars($entry[$name] ?? '', ENT_QUOTES, 'UTF-8') ?>"<?php echo $needed ? ' required' : '' ?>></div>
	</div></div></div>
<?php } ?>
	<div class="element-container"><div class="row"><div class="form-group">
		<div class="col-md-3"><label class="control-label"><?php echo _('Then to') ?></label></div>
		<div class="col-md-9"><?php echo drawselects($entry['dest'] ?? '', 0) ?></div>
	</div></div></div>
</form>
